/* Lines for people. */
import { nowhere, nullDevice } from '../output.ts'
import type { Output } from '../output.ts'
import type { LogCase, LogGroup } from '../suite-types.ts'

const aboutPretty =
  'pino-pretty runs in the process, as a stream of pino; it parses each line that pino has made.'

/** Text beside JSON. */
export const texts: LogGroup[] = [
  {
    name: 'text',
    title: 'a line with a message and three fields as text, written to the null device',
    note: aboutPretty,
    targets: [{ against: 'kit: JSON', atLeast: 0.67 }],
    cases: [kitCase('text', 'null device'), kitCase('json', 'null device'), pretty('null device')],
    shows: ['request done', 'GET', '200'],
  },
  {
    name: 'text-cpu',
    title: 'a line with a message and three fields as text, made and let go',
    note: aboutPretty,
    targets: [
      { against: 'kit: JSON', atLeast: 0.67 },
      { against: 'pino-pretty', atLeast: 5 },
    ],
    cases: [kitCase('text', nowhere), kitCase('json', nowhere), pretty(nowhere)],
    shows: ['request done', 'GET', '200'],
  },
]

function kitCase(format: 'text' | 'json', where: Output): LogCase {
  const prepareFor = async (to: Output) => {
    const { createLogger } = await import('@kit/log')
    const destination = to === 'null device' ? nullDevice() : to
    const log = createLogger({ format, level: 'info', destination })
    return (i: number) => log.info({ method: 'GET', status: 200, ms: i & 127 }, 'request done')
  }
  return { name: `kit: ${format === 'json' ? 'JSON' : format}`, prepare: () => prepareFor(where), prepareFor }
}

function pretty(where: Output): LogCase {
  const prepareFor = async (to: Output) => {
    const { pino } = await import('pino')
    const { prettyFactory } = await import('pino-pretty')
    const toText = prettyFactory({ colorize: false, singleLine: true })
    const out = to === 'null device' ? pino.destination({ fd: nullDevice(), sync: true }) : to
    const log = pino(
      { level: 'info', base: null },
      { write: (line) => void out.write(toText(JSON.parse(line))) },
    )
    return (i: number) => log.info({ method: 'GET', status: 200, ms: i & 127 }, 'request done')
  }
  return { name: 'pino-pretty', prepare: () => prepareFor(where), prepareFor }
}
