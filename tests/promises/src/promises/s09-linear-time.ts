/** S9: whatever a stranger sends, twice as much of it takes about twice the time. */

import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Recheck from 'recheck'
import type { PublishedPromise, Trial } from '../promise.ts'
import type { FoundRegex } from '../regexes.ts'
import { madeRegexes, writtenRegexes } from '../regexes.ts'
import { inSchedule } from '../schedule.ts'
import { growthOf } from '../tools/growth.ts'
import { allSources } from '../tools/all-sources.ts'
import { allParsers, head, pieces } from '../tools/parsers.ts'

const packages = fileURLToPath(new URL('../../../../packages', import.meta.url))
const require = createRequire(import.meta.url)

export const promise: PublishedPromise = {
  id: 'S9',
  says: 'The time that a text from outside costs grows no faster than its length, in every parser and in every regular expression that the packages bring.',
  tiers: ['change', 'nightly'],
  speaksOf: allSources,
  async run(trial) {
    await parsers(trial)
    await regexes(trial)
  },
  plants: [
    {
      bug: 'from each sign one looks back for a name as far as it goes',
      file: 'log/dist/hide-named.js',
      find: 'end - start < MAX_NAME',
      replace: 'end - start < 1e9',
    },
    {
      bug: 'an expression looks again from each of its beginnings',
      file: 'log/dist/hide-text.js',
      find: String.raw`/:\/\/[^\s/?#"'<>\\]*@/g`,
      replace: String.raw`/:\/\/[^\s?#"'<>\\]*@/g`,
    },
    {
      bug: 'an expression that is slow only with a text that no parser was tried with',
      file: 'http/dist/streams.js',
      find: String.raw`/^text\/event-stream\s*(?:;|$)/i`,
      replace: String.raw`/^text\/event-stream(?:\s|\s)*(?:;|$)/i`,
    },
  ],
}

/** By how much the time may grow when the length doubles. */
const limit = 2.5
/** In ms, of processors. */
const longest = 100

async function parsers(trial: Trial): Promise<void> {
  const all = Object.entries(allParsers())
  const texts = trial.pick({ change: pieces, nightly: pairs(), release: pairs() })
  const pairsOfBoth = all.flatMap(([name, parser]) => texts.map((piece) => ({ name, parser, piece })))
  let worst = 0
  let slowestMs = 0
  let beyond: string | undefined
  for (const [done, { name, parser, piece }] of pairsOfBoth.entries()) {
    trial.progress(done, pairsOfBoth.length, 'parsers and texts')
    // oxlint-disable-next-line no-await-in-loop -- one after the other, or they would be in each other's time
    const { ratio, longestMs } = await growthOf(parser, head, piece, limit)
    worst = Math.max(worst, ratio)
    slowestMs = Math.max(slowestMs, longestMs)
    if (ratio <= limit && longestMs <= longest) continue
    const times = `${ratio.toFixed(1)} times as long, at most ${longestMs.toFixed()} ms`
    beyond = `${name}: twice as many ${JSON.stringify(piece)} take ${times}`
    break
  }
  trial.figure({ what: 'parsers and kinds of texts', value: pairsOfBoth.length, unit: 'pairs' })
  trial.figure({ what: 'the longest time for 64 KiB', value: slowestMs, unit: 'ms', atMost: longest })
  trial.figure({ what: 'the worst growth when a text doubles', value: worst, unit: 'times', atMost: limit })
  if (beyond !== undefined) throw new Error(beyond)
}

function pairs(): string[] {
  return pieces.flatMap((first) => pieces.map((second) => first + second))
}

async function regexes(trial: Trial): Promise<void> {
  // It picks its program when it is loaded, which is no concern of who only imports this module.
  const { check } = require('recheck') as typeof Recheck
  const all = [...writtenRegexes(packages), ...(await made())]
  const beyond: string[] = []
  let fuzzed = 0
  let done = 0
  await inSchedule({
    items: all,
    jobs: 2,
    isAlone: () => false,
    async run({ source, flags, where }) {
      const { status, checker } = await check(source, flags, { timeout: 60_000, randomSeed: trial.seed })
      if (status !== 'safe') beyond.push(`/${source}/${flags} in ${where} is ${status}`)
      else if (checker === 'fuzz') fuzzed += 1
      trial.progress(++done, all.length, 'regular expressions')
    },
  })
  trial.figure({ what: 'regular expressions', value: all.length, unit: 'expressions', atLeast: 100 })
  trial.figure({
    what: 'of them not known to be linear',
    value: beyond.length,
    unit: 'expressions',
    exactly: 0,
  })
  trial.figure({
    what: 'of them too long for a proof, for which no slow text was found by search',
    value: fuzzed,
    unit: 'expressions',
  })
  if (beyond.length > 0) throw new Error(beyond.join('\n'))
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
      // oxlint-disable-next-line no-await-in-loop -- one at a time has the constructor replaced
      found.push(...(await madeRegexes(name, () => import(url.href).catch(() => {}))))
    }
  }
  return found
}
