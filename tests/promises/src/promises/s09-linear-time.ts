/** S9: whatever a stranger sends, twice as much of it takes about twice the time. */

import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { background } from '@kit/context'
import { extractDeadline } from '@kit/context/wire'
import { internal, isRequestId, parseTraceparent } from '@kit/http'
import { observeFetch } from '@kit/http/fetch'
import { createLogger, levelHandler } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import type { PublishedPromise, Trial } from '../promise.ts'
import type { FoundRegex } from '../regexes.ts'
import { madeRegexes, writtenRegexes } from '../regexes.ts'
import { inSchedule } from '../schedule.ts'

const packages = fileURLToPath(new URL('../../../../packages', import.meta.url))
const require = createRequire(import.meta.url)

export const promise: PublishedPromise = {
  id: 'S9',
  says: 'The time that a text from outside costs grows no faster than its length, in every parser and in every regular expression that the packages bring.',
  tiers: ['change', 'nightly'],
  alone: true,
  speaksOf: ['packages'],
  async run(trial) {
    await parsers(trial)
    await regexes(trial)
  },
  plants: [
    {
      bug: 'an expression looks again from each of its beginnings',
      file: 'log/dist/hide-text.js',
      find: String.raw`/:\/\/[^\s/?#"'<>\\]*@/g`,
      replace: String.raw`/:\/\/[^\s?#"'<>\\]*@/g`,
    },
    {
      bug: 'each header of a private key is looked for in all the rest',
      file: 'log/dist/hide-text.js',
      find: 'text.slice(at, at + 64)',
      replace: 'text.slice(at)',
    },
  ],
}

async function regexes(trial: Trial): Promise<void> {
  // It picks its program when it is loaded, which is no concern of who only imports this module.
  const { check } = require('recheck') as typeof import('recheck')
  const all = [...writtenRegexes(packages), ...(await made())]
  const unproven: string[] = []
  let done = 0
  await inSchedule({
    items: all,
    jobs: 2,
    isAlone: () => false,
    async run({ source, flags, where }) {
      const { status } = await check(source, flags, { timeout: 30_000 })
      if (status !== 'safe') unproven.push(`/${source}/${flags} in ${where} is ${status}`)
      trial.progress(++done, all.length, 'regular expressions')
    },
  })
  trial.figure({ what: 'regular expressions', value: all.length, unit: 'expressions', atLeast: 100 })
  trial.figure({
    what: 'of them not proven to be linear',
    value: unproven.length,
    unit: 'expressions',
    exactly: 0,
  })
  if (unproven.length > 0) throw new Error(unproven.join('\n'))
}

/** What the public modules make when they are loaded; those that need a peer that is not here are left out. */
async function made(): Promise<FoundRegex[]> {
  const found: FoundRegex[] = []
  for (const name of readdirSync(packages)) {
    const manifest = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as {
      exports: Readonly<Record<string, { readonly default: string } | string>>
    }
    for (const target of Object.values(manifest.exports)) {
      if (typeof target === 'string') continue
      // Another specifier than anybody's, so that they are loaded once more.
      const url = new URL(`${name}/${target.default}?again`, `file://${packages}/`)
      found.push(...(await madeRegexes(name, () => import(url.href).catch(() => {}))))
    }
  }
  return found
}

/** Pieces of which hostile texts are made, by repetition: what parsers look for, and the beginnings of what they look for. */
const pieces = [
  'a',
  '0',
  ' ',
  '\t',
  '"',
  '\\',
  '\\"',
  '{',
  '[',
  '{"a":',
  '=',
  'a=',
  'a=b,',
  ',',
  ';',
  ':',
  '/',
  '%',
  '%2',
  '-',
  '00-',
  '://',
  'a://b:c',
  'password=',
  'Bearer ',
  'Bearer a',
  'PRIVATE KEY-----BEGIN ',
  '-----BEGIN PRIVATE KEY',
  '-----BEGIN ',
  'at a (',
  '\u2028',
  '\u0000',
  '\uD800',
  '1h',
  'é',
]

/** Before all of them: what looks for secrets looks further only where there is one. */
const head = 'PRIVATE KEY Bearer '

/** Takes a text from outside. */
type Parser = (text: string) => unknown

function allParsers(): Readonly<Record<string, Parser>> {
  const metrics = createMetrics()
  const counter = metrics.counter('texts', { labels: ['text'] })
  const page = prometheus()
  metrics.attach(page)
  const log = createLogger({ destination: { write: () => true } })
  const handler = levelHandler(log.levels, { authorize: 'none' })
  const observed = observeFetch(() => new Response(), { ...internal, metrics, log })
  // Headers are bytes; what else is in a text cannot come as one.
  const header = (text: string): string => text.replaceAll(/[^\x20-\x7E]/g, '.')
  const request = (text: string): Request => {
    const value = header(text)
    const names = [
      'traceparent',
      'tracestate',
      'x-request-id',
      'grpc-timeout',
      'request-timeout',
      'forwarded',
    ]
    return new Request('http://localhost/', {
      headers: Object.fromEntries(names.map((name) => [name, value])),
    })
  }
  return {
    traceparent: (text) => parseTraceparent(text),
    'request id': (text) => isRequestId(text),
    deadline: (text) => extractDeadline({ 'grpc-timeout': text, 'request-timeout': text }),
    message: (text) => log.info(text),
    field: (text) => log.info('text', { text }),
    'name of a field': (text) => log.info('text', { [text]: 1 }),
    error: (text) => log.error('failed', { err: Object.assign(new Error(text), { stack: text }) }),
    'label value': (text) => counter.inc({ text }),
    'context value': (text) => background.withCancel().cancel(text),
    'headers of a request': (text) => observed(request(text)),
    'path of the levels': (text) =>
      handler(new Request(`http://localhost/log/levels/${encodeURIComponent(header(text))}`)),
    'body of the levels': (text) =>
      handler(
        new Request('http://localhost/log/levels', {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: text.slice(0, 4_096),
        }),
      ),
  }
}

const sizes = [8, 16, 32, 64].map((kib) => kib * 1_024)
/** Below this, what is measured is the clock and the garbage collector. */
const noiseMs = 0.5
/** By how much the time may grow when the length doubles. */
const limit = 2.5
/** How long a text is tried anew that seems to be beyond that: code is compiled meanwhile, and others leave. */
const patienceMs = 1_500

async function parsers(trial: Trial): Promise<void> {
  const all = Object.entries(allParsers())
  const texts = trial.pick({ change: pieces, nightly: pairs(), release: pairs() })
  let worst = 0
  let slowestMs = 0
  for (const [i, [name, parser]] of all.entries()) {
    trial.progress(i, all.length, 'parsers')
    for (const piece of texts) {
      const { ratio, longestMs } = await growth(parser, piece)
      slowestMs = Math.max(slowestMs, longestMs)
      worst = Math.max(worst, ratio)
      if (ratio > limit) {
        throw new Error(
          `${name}: twice as many ${JSON.stringify(piece)} take ${ratio.toFixed(1)} times as long`,
        )
      }
    }
  }
  trial.figure({ what: 'parsers and kinds of texts', value: all.length * texts.length, unit: 'pairs' })
  trial.figure({ what: 'the longest time for 64 KiB', value: slowestMs, unit: 'ms', atMost: 100 })
  trial.figure({ what: 'the worst growth when a text doubles', value: worst, unit: 'times', atMost: limit })
}

function pairs(): string[] {
  return pieces.flatMap((first) => pieces.map((second) => first + second))
}

/** By how much the time grows at most from one size to the next. Others on the machine only ever add to a time: the least counts. */
async function growth(parser: Parser, piece: string): Promise<{ ratio: number; longestMs: number }> {
  const texts = sizes.map((size) => (head + piece.repeat(Math.ceil(size / piece.length))).slice(0, size))
  const least = texts.map(() => Number.POSITIVE_INFINITY)
  const until = performance.now() + patienceMs
  let ratio = Number.POSITIVE_INFINITY
  for (let round = 0; round < 2 || (ratio > limit - 0.3 && performance.now() < until); round++) {
    for (const [i, text] of texts.entries()) {
      const since = performance.now()
      await parser(text)
      least[i] = Math.min(least[i] ?? 0, performance.now() - since)
    }
    ratio = Math.max(...least.slice(1).map((ms, i) => (ms + noiseMs) / ((least[i] ?? 0) + noiseMs)))
  }
  return { ratio, longestMs: Math.max(...least) }
}
