/** R2: what comes out can be read, and says what went in. */

import { spawnSync } from 'node:child_process'
import { createMetrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import type { PrometheusSink } from '@kit/metrics/prometheus'
import { parseExposition } from '@kit/metrics/testing'
import { wrongJsonLines, wrongTextLines } from '../output/lines.ts'
import { keyOf, runProgram } from '../output/programs.ts'
import type { Truth } from '../output/programs.ts'
import type { PublishedPromise } from '../promise.ts'
import { randomOf } from '../tools/seeded.ts'

/** Recordings on one page. */
const onePage = 20_000
const formats = { text: undefined, openmetrics: 'application/openmetrics-text' } as const

/** What is wrong with pages. */
interface Wrong {
  readonly pages: string[]
  readonly samples: string[]
  readonly promtool: string[]
  duplicates: number
}

export const promise: PublishedPromise = {
  id: 'R2',
  says: 'Whatever names, labels and values are given, pages of metrics and lines of logs can be read, have no series and no key twice, and say exactly what was recorded.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/metrics/src/sinks/prometheus',
    'packages/metrics/src/naming.ts',
    'packages/metrics/src/labels.ts',
    'packages/log/src/encode',
  ],
  async run(trial) {
    const random = randomOf(trial.seed)
    const total = trial.pick({ change: 20_000, nightly: 1_000_000, release: 1_000_000 })
    const wrong: Wrong = { pages: [], samples: [], promtool: [], duplicates: 0 }
    const lines: { json: string[]; text: string[] } = { json: [], text: [] }
    let recorded = 0
    let samples = 0
    let logged = 0
    for (let round = 0; recorded < total; round += 1) {
      const metrics = createMetrics({ filter: { block: ['kit'] }, maxTotalSeries: 1_000_000 })
      const sink = prometheus()
      metrics.attach(sink)
      const truth: Truth = { text: new Map(), openmetrics: new Map() }
      const until = Math.min(total, recorded + onePage)
      while (recorded < until) recorded += runProgram(metrics, random, truth)
      samples += await compare(sink, truth, wrong)
      if (round % 10 === 0) await askPromtool(sink, wrong)
      await metrics.shutdown()
      lines.json.push(...wrongJsonLines(random, onePage / 4))
      lines.text.push(...wrongTextLines(random, onePage / 4))
      logged += onePage / 2
      trial.progress(recorded, total, 'values')
    }
    const none = { exactly: 0 }
    trial.figure({ what: 'values recorded', value: recorded, unit: 'values', atLeast: total })
    trial.figure({ what: 'samples read back', value: samples, unit: 'samples' })
    trial.figure({ what: 'pages that are refused', value: wrong.pages.length, unit: 'pages', ...none })
    trial.figure({
      what: 'samples missing, added or wrong',
      value: wrong.samples.length,
      unit: 'samples',
      ...none,
    })
    trial.figure({ what: 'series that are there twice', value: wrong.duplicates, unit: 'series', ...none })
    if (hasPromtool) {
      trial.figure({
        what: 'pages that promtool refuses',
        value: wrong.promtool.length,
        unit: 'pages',
        ...none,
      })
    }
    trial.figure({ what: 'lines logged', value: logged, unit: 'lines' })
    trial.figure({
      what: 'JSON lines that say something else',
      value: lines.json.length,
      unit: 'lines',
      ...none,
    })
    trial.figure({
      what: 'text lines that are not one line',
      value: lines.text.length,
      unit: 'lines',
      ...none,
    })
    const all = [...wrong.pages, ...wrong.samples, ...wrong.promtool, ...lines.json, ...lines.text]
    // The figures say how many; this says which.
    if (all.length > 0)
      throw new Error(
        all
          .slice(0, 20)
          .map((one) => JSON.stringify(one))
          .join('\n'),
      )
  },
  plants: [
    {
      bug: 'a quote in a label value is not escaped',
      file: 'metrics/dist/sinks/prometheus/utf8.js',
      find: 'code === quote ||',
      replace: '',
    },
    {
      bug: 'labels of one length are taken for the same',
      file: 'metrics/dist/sinks/prometheus/label-block.js',
      find: 'labelValues[i] === last[i]',
      replace: 'labelValues[i].length === last[i].length',
    },
    {
      bug: 'buckets do not count what lies below them',
      file: 'metrics/dist/sinks/prometheus/buckets.js',
      find: 'count += series.bucketCount(i);',
      replace: 'count = series.bucketCount(i);',
    },
    {
      bug: 'a backslash in a field of a log line is not escaped',
      file: 'log/dist/encode/escape.js',
      find: 'unit === 34 || unit === 92 || unit >= 127',
      replace: 'unit === 34 || unit >= 127',
    },
    {
      bug: 'controls reach text lines',
      file: 'log/dist/encode/escape.js',
      find: 'return text.replace(ALL_CONTROLS, escapeControl);',
      replace: 'return text;',
    },
  ],
}

/** Compares both pages with the truth; answers how many samples they have. */
async function compare(sink: PrometheusSink, truth: Truth, wrong: Wrong): Promise<number> {
  let samples = 0
  for (const format of ['text', 'openmetrics'] as const) {
    const page = await sink.text(formats[format])
    let found: [string, number][]
    try {
      found = parseExposition(page, format)
        .flatMap((family) => family.samples)
        .filter(({ name }) => !name.endsWith('_created'))
        .map(({ name, labels, value }) => [keyOf(name, Object.entries(labels)), value])
    } catch (error) {
      wrong.pages.push(`${format}: ${String(error)}`)
      continue
    }
    samples += found.length
    const shown = new Map(found)
    wrong.duplicates += found.length - shown.size
    const expected = truth[format]
    for (const [key, value] of expected) {
      if (shown.get(key) !== clamped(value))
        wrong.samples.push(`${format}: ${key} is ${shown.get(key)}, not ${value}`)
    }
    for (const key of shown.keys())
      if (!expected.has(key)) wrong.samples.push(`${format}: ${key} was not recorded`)
  }
  return samples
}

/** Sums stay within the range of doubles. */
function clamped(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value))
}

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined

async function askPromtool(sink: PrometheusSink, wrong: Wrong): Promise<void> {
  if (!hasPromtool) return
  const input = await sink.text()
  const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
  // 3 is for advice about names, which are random here.
  const refused = (status !== 0 && status !== 3) || /error while linting|parsing error/.test(stderr)
  if (refused) wrong.promtool.push(`promtool: ${stderr.slice(0, 500)}`)
}
