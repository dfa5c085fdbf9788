/* What calls below the level cost while something may want them: the flight recorder, and overrides. */
import type { Context, run as runIn } from '@kit/context'
import type { Operation } from '@kit-benchmarks/context/harness/suite.js'
import type { Logger, Recording } from '@kit/log'
import { nowhere } from '../output.ts'
import type { Output } from '../output.ts'
import type { LogCase, LogGroup } from '../suite-types.ts'

/** What another context asks for costs this one a look. */
export const disabledBeside: LogGroup = {
  name: 'disabled-beside',
  title: 'a call below the level under a context, while something is active for another context',
  note: 'A recording lowers the gate of all loggers of its tree; where it is not, the context is looked at. So does an override.',
  cases: [
    kitCase('kit: nothing active', () => {}),
    kitCase('kit: a recording', ({ log, background }) => log.record(background)),
    kitCase('kit: an override', ({ log }) => log.levels.override({ when: { route: '/x' }, level: 'debug' })),
  ],
}

/** A line that is kept. */
export const recorded: LogGroup = {
  name: 'recorded',
  title: 'a line below the level, with a message and an object of three fields, that is kept for its request',
  note:
    'kit makes its text, with redaction, at the time of the call. `fingersCrossed` of LogTape keeps what it was given, ' +
    'which may have changed by the time that it is written; `snapshot`, to copy it, is not set here. `line-fields-cpu` is the line written.',
  cases: [
    { ...kitRecorded('kit'), name: 'kit' },
    logCase('LogTape: fingersCrossed', async (to) => {
      const logTape = await import('@logtape/logtape')
      const toLine = logTape.getJsonLinesFormatter({ properties: 'flatten' })
      const sink = logTape.fingersCrossed((record) => void toTarget(to).write(toLine(record)), {
        triggerLevel: 'error',
        maxBufferSize: 200,
        isolateByContext: { keys: ['requestId'] },
      })
      logTape.configureSync({
        reset: true,
        sinks: { sink },
        loggers: [
          { category: 'app', sinks: ['sink'], lowestLevel: 'debug' },
          { category: ['logtape', 'meta'], sinks: [], lowestLevel: 'error' },
        ],
      })
      const log = logTape.getLogger('app').with({ requestId: 'r-1' })
      return (i) => log.debug('pool is busy', { method: 'GET', status: 200, ms: i & 127 })
    }),
  ],
}

/** All that a request which succeeds pays. */
export const recording: LogGroup = {
  name: 'recording',
  title: 'three calls below the level in the context of a request, which ends well',
  note: 'With a recording: begun, kept lines, discarded. Beside others, the gates do not move.',
  cases: [
    requestCase('kit: recorded beside others', true, true),
    requestCase('kit: recorded alone', true, false),
    requestCase('kit: not recorded', false, false),
  ],
}

interface Kit {
  readonly log: Logger
  readonly background: Context
}

async function kitAt(to: Output): Promise<Kit & { run: typeof runIn }> {
  const { background, run } = await import('@kit/context')
  const { createLogger, withFields } = await import('@kit/log')
  const log = createLogger({ format: 'json', level: 'info', destination: toTarget(to) })
  return { log, background: withFields(background, { requestId: 'r-1' }), run }
}

function toTarget(to: Output): { write(line: string): unknown } {
  return to === 'null device' ? nowhere : to
}

function logCase(name: string, prepareFor: (to: Output) => Promise<Operation>): LogCase {
  return { name, prepare: () => prepareFor(nowhere), prepareFor }
}

/** A disabled call under an ambient context. */
function kitCase(name: string, activate: (kit: Kit) => unknown): LogCase {
  return logCase(name, async (to) => {
    const kit = await kitAt(to)
    const pool = kit.log.named('db.pool')
    // Kept by the operation, so that it stays active.
    const active = activate({ ...kit, background: kit.background.withCancel() })
    return {
      burst(count) {
        kit.run(kit.background.withTimeout(1e9), () => {
          for (let i = 0; i < count; i++) pool.debug('not written')
        })
        return active
      },
    }
  })
}

function kitRecorded(name: string): LogCase {
  return logCase(name, async (to) => {
    const { log, background } = await kitAt(to)
    const held = log.record(background)
    const pool = log.named('db.pool').withContext(held.ctx)
    return (i) => pool.debug({ method: 'GET', status: 200, ms: i & 127 }, 'pool is busy')
  })
}

function requestCase(name: string, isRecorded: boolean, isBesideOthers: boolean): LogCase {
  return logCase(name, async (to) => {
    const { log, background } = await kitAt(to)
    const others: Recording[] = isBesideOthers ? [log.record(background)] : []
    const pool = log.named('db.pool')
    return (i) => {
      const own = isRecorded ? log.record(background) : undefined
      const bound = pool.withContext(own?.ctx ?? background)
      bound.debug({ i }, 'pool is busy')
      bound.debug('connected')
      bound.debug({ ms: 1.5 }, 'done')
      own?.discard()
      return others
    }
  })
}
