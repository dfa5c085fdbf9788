/** S3: a line of the log is one line, says what the logger says, and nobody whose texts are logged can write another one. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { background, run } from '@kit/context'
import type { LineLevel, Logger } from '@kit/log'
import { createLogger, withFields } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { PublishedPromise, Trial } from '../promise.ts'
import { ask, inParallel } from '../tools/conversation.ts'
import { hostileText, naughtyStrings, randomFrom } from '../tools/naughty.ts'
import { onEveryFramework } from '../tools/services.ts'
import { readJson } from '../tools/strict-json.ts'

export const promise: PublishedPromise = {
  id: 'S3',
  says: 'Nothing that is logged forges a line: one physical line a record, no control characters, no key twice, and level, time, logger and message are those of the call.',
  tiers: ['change', 'nightly'],
  speaksOf: ['packages/log/src/encode', 'packages/log/src/pino-bridge.ts', 'packages/log/src/line-writer.ts'],
  async run(trial) {
    const texts = textsOf(trial)
    inJson(trial, texts)
    inText(trial, texts)
    await overHttp(trial, texts)
  },
  plants: [
    {
      bug: 'line separators and C1 controls go out as they are',
      file: 'log/dist/encode/escape.js',
      find: 'return UNSAFE.test(json) ? neutralise(json) : json;',
      replace: 'return json;',
    },
    {
      bug: 'text is written as it is',
      file: 'log/dist/encode/escape.js',
      find: 'return text.replace(ALL_CONTROLS, escapeControl);',
      replace: 'return text;',
    },
    {
      bug: 'a field may be called level',
      file: 'log/dist/encode/keys.js',
      find: "new Set(['level', 'time', 'logger', 'msg'])",
      replace: "new Set(['time', 'logger', 'msg'])",
    },
    {
      bug: 'fields of the call do not replace those of the context',
      file: 'log/dist/encode/fields.js',
      find: 'if ((this.bits & upper.bits) === 0)',
      replace: 'if ((this.bits & upper.bits) >= 0)',
    },
  ],
}

function textsOf(trial: Trial): string[] {
  const random = randomFrom(trial.seed)
  const length = trial.pick({ change: 400, nightly: 20_000, release: 20_000 })
  return [...naughtyStrings, ...Array.from({ length }, () => hostileText(random))]
}

/** What the line of a call must say, whatever it was given. */
interface Expected {
  readonly level: LineLevel
  readonly logger: string
  /** Undefined where the message is the hostile text. */
  readonly msg: string | undefined
}

const info: Expected = { level: 'info', logger: 'shop', msg: 'said' }
const forged = { level: 'fatal', time: 0, logger: 'forged', msg: 'forged', pid: 1, hostname: 'forged', v: 1 }

/** Every way for a text to get into a line. `n` is a field by which the line is known again. */
type Way = readonly [expected: Expected, say: (log: Logger, text: string, n: number) => void]

const ways: readonly Way[] = [
  [{ ...info, msg: undefined }, (log, text, n) => log.child({ n }).info(text)],
  [{ ...info, msg: undefined }, (log, text, n) => log.child({ n }).info('%s %j', text, { [text]: text })],
  [info, (log, text, n) => log.info({ n, text }, 'said')],
  [info, (log, text, n) => log.info({ [text]: 1, ...forged, n }, 'said')],
  [info, (log, text, n) => log.info({ n, deep: { [text]: [text, { [text]: text }] } }, 'said')],
  [
    info,
    (log, text, n) =>
      log.info(
        {
          n,
          map: new Map<unknown, unknown>([
            [text, 1],
            [1, text],
            ['1', text],
          ]),
        },
        'said',
      ),
  ],
  [
    info,
    (log, text, n) =>
      log.info(
        {
          n,
          form: new URLSearchParams([
            [text, '1'],
            ['level', text],
            ['level', '2'],
          ]),
        },
        'said',
      ),
  ],
  [info, (log, text, n) => log.info({ n, toJSON: () => ({ n, [text]: text, ...forged }) }, 'said')],
  [
    info,
    (log, text, n) =>
      log
        .child({ [text]: 1, ...forged })
        .child({ [text]: 2, n: -1 })
        .info({ [text]: 3, ...forged, n }, 'said'),
  ],
  [
    info,
    (log, text, n) =>
      run(withFields(background, { [text]: 1, ...forged, n: -1 }), () =>
        log.info({ [text]: 2, 'fields.level': text, level: text, n }, 'said'),
      ),
  ],
  [{ ...info, level: 'error' }, (log, text, n) => log.child({ n }).error(mistake(text), 'said')],
  [
    { ...info, level: 'error' },
    (log, text, n) => log.error({ n, [text]: mistake(text), err: mistake(text) }, 'said'),
  ],
  [
    info,
    (log, text, n) =>
      log.pino
        .child({ [text]: 1, n: -1 })
        .child({ [text]: 2, ...forged })
        .info({ [text]: 3, ...forged, n }, 'said'),
  ],
  [{ ...info, level: 'warn', msg: undefined }, (log, text, n) => log.pino.warn({ n, [text]: text }, text)],
]

function mistake(text: string): Error {
  const error = new Error(text, { cause: Object.assign(new Error(text), { code: text, name: text }) })
  return Object.assign(error, {
    name: text,
    [text]: text,
    ...forged,
    stack: `Error: ${text}\n    at ${text}`,
  })
}

/** As they stand in a file. */
function linesOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.pop() === '' ? lines : [...lines, 'a line without an end']
}

/** What ends a line for some readers, moves a cursor, or turns the direction of reading. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const disturbing = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

function inJson(trial: Trial, texts: readonly string[]): void {
  const file = join(trial.folder, 'json.log')
  const root = createLogger({ format: 'json', level: 'info', destination: file, base: { n: -1, ...forged } })
  const log = root.named('shop')
  const start = Date.now()
  texts.forEach((one, index) => ways.forEach(([, say], way) => say(log, one, index * ways.length + way)))
  const end = Date.now()
  const calls = texts.length * ways.length
  const lines = linesOf(file)
  let unreadable = 0
  let wrong = 0
  lines.forEach((line, n) => {
    const [expected] = ways[n % ways.length]!
    try {
      const record = readJson(line) as Map<string, unknown>
      const time = record.get('time') as number
      const isOwn =
        record.get('n') === n &&
        record.get('level') === expected.level &&
        record.get('logger') === expected.logger &&
        typeof record.get('msg') === 'string' &&
        (expected.msg === undefined || record.get('msg') === expected.msg) &&
        time >= start &&
        time <= end
      if (!isOwn) wrong += 1
    } catch {
      unreadable += 1
    }
  })
  trial.figure({ what: 'calls, in JSON', value: calls, unit: 'calls' })
  trial.figure({
    what: 'physical lines of JSON beyond or below the calls',
    value: Math.abs(lines.length - calls),
    unit: 'lines',
    exactly: 0,
  })
  trial.figure({
    what: 'lines of JSON with a character that controls',
    value: count(lines),
    unit: 'lines',
    exactly: 0,
  })
  trial.figure({
    what: 'lines that are no JSON, or have a key twice',
    value: unreadable,
    unit: 'lines',
    exactly: 0,
  })
  trial.figure({
    what: 'lines of JSON whose level, time, logger, message or identity is not that of the call',
    value: wrong,
    unit: 'lines',
    exactly: 0,
  })
}

function inText(trial: Trial, texts: readonly string[]): void {
  const file = join(trial.folder, 'text.log')
  const log = createLogger({ format: 'text', level: 'info', destination: file }).named('shop')
  texts.forEach((one, index) => ways.forEach(([, say], way) => say(log, one, index * ways.length + way)))
  const calls = texts.length * ways.length
  const lines = linesOf(file)
  const wrong = lines.filter((line, n) => {
    const [{ level }] = ways[n % ways.length]!
    return !new RegExp(
      String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ${level.toUpperCase()} +shop  `,
    ).test(line)
  })
  trial.figure({ what: 'calls, in text', value: calls, unit: 'calls' })
  trial.figure({
    what: 'physical lines of text beyond or below the calls',
    value: Math.abs(lines.length - calls),
    unit: 'lines',
    exactly: 0,
  })
  trial.figure({
    what: 'lines of text with a character that controls',
    value: count(lines),
    unit: 'lines',
    exactly: 0,
  })
  trial.figure({
    what: 'lines of text whose head is not that of the call',
    value: wrong.length,
    unit: 'lines',
    exactly: 0,
  })
}

function count(lines: readonly string[]): number {
  return lines.filter((line) => disturbing.test(line)).length
}

/** Paths, headers and request ids of clients, on every framework. */
async function overHttp(trial: Trial, texts: readonly string[]): Promise<void> {
  const heads = texts.slice(0, trial.pick({ change: 300, nightly: 5000, release: 5000 })).map((one) => {
    const bytes = Buffer.from(one.replaceAll(/[\r\n\0]/g, ''))
      .toString('latin1')
      .slice(0, 2000)
    const target = bytes.replaceAll(/[^!-~\u0080-\u00ff]/g, '+')
    const encoded = encodeURIComponent((one as string & { toWellFormed(): string }).toWellFormed()).slice(
      0,
      6000,
    )
    return {
      start: `GET /items/${encoded}?${target}#${target}`,
      lines: [`X-Request-Id: ${bytes}`, `User-Agent: ${bytes}`, `X-Any: ${bytes}`],
    }
  })
  let answered = 0
  const lines: string[] = []
  await onEveryFramework(
    () => {
      const destination = { write: (line: string) => lines.push(line) }
      const log = createLogger({ format: 'json', level: 'info', destination })
      const options = { log, metrics: createMetrics(), requestId: { trust: true } }
      return { options, handle: (headers) => log.info({ headers }, 'handling') }
    },
    async ({ port }) => {
      await inParallel(heads, 8, async ({ start, lines: sent }) => {
        const { headers } = await ask(port, start, sent)
        if (headers.has('x-request-id')) answered += 1
      })
    },
  )
  const wrong = lines.filter((line) => {
    try {
      if (!line.endsWith('\n') || disturbing.test(line.slice(0, -1))) return true
      const record = readJson(line) as Map<string, unknown>
      const expected = record.get('logger') === 'http' ? 'request' : 'handling'
      return record.get('msg') !== expected || record.get('level') !== 'info'
    } catch {
      return true
    }
  })
  const own = lines.filter((line) => line.includes('"logger":"http"')).length
  trial.figure({
    what: 'requests with hostile paths, headers and ids',
    value: answered,
    unit: 'requests',
    atLeast: heads.length,
  })
  trial.figure({
    what: 'lines of requests beyond or below the requests',
    value: Math.abs(own - answered),
    unit: 'lines',
    exactly: 0,
  })
  trial.figure({
    what: 'lines of requests that are none, or say what a client wants',
    value: wrong.length,
    unit: 'lines',
    exactly: 0,
  })
}
