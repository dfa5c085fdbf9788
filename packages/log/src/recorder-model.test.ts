import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { background } from '@kit/context'
import type { CancelContext, Context } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, logStats } from './index.ts'
import type { Recording } from './index.ts'
import type { LoggerLevels } from './level-tree.ts'
import { memoryDestination } from './testing.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock()
})
afterEach(() => time[Symbol.dispose]())

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
type LevelName = (typeof LEVELS)[number]
const rank = (level: LevelName): number => LEVELS.indexOf(level) * 10 + 10

/** One step of a program. Numbers pick one of what there is, whatever there is. */
type Step =
  | { do: 'derive'; of: number }
  | { do: 'begin'; of: number; level: LevelName; maxLines: number }
  | { do: 'log'; of: number; level: LevelName; quiet: boolean }
  | { do: 'dump' | 'discard'; which: number }
  | { do: 'dump all' }
  | { do: 'cancel'; of: number }
  | { do: 'set'; level: LevelName }

const nat = fc.nat({ max: 1000 })
const level = fc.constantFrom(...LEVELS)
/** Mostly what levels refuse and recordings keep. */
const lineLevel = fc.constantFrom<LevelName>('trace', 'debug', 'debug', 'debug', 'info', 'error')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('derive' as const), of: nat }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('begin' as const),
      of: nat,
      level: fc.constantFrom<LevelName>('trace', 'debug', 'debug', 'info', 'error'),
      maxLines: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('log' as const), of: nat, level: lineLevel, quiet: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('dump' as const, 'discard' as const), which: nat }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dump all' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), of: nat }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('set' as const), level }) },
)

/** What a recording should hold, in the plainest terms. */
interface Model {
  readonly place: number
  readonly threshold: number
  readonly maxLines: number
  active: boolean
  kept: number[]
  lost: number
}

/** A context of the program: what it was derived from, and whether it has ended. */
interface Place {
  readonly ctx: Context
  readonly cancel: CancelContext
  readonly parent: number
}

test('the lines that come out are those that a simple model says, and nothing stays', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const destination = memoryDestination()
      const log = createLogger({ format: 'json', destination, level: 'info,quiet=error' })
      const quiet = log.named('quiet')
      const levels = log.levels as LoggerLevels
      let rootLevel = rank('info')

      const root = background.withCancel()
      const places: Place[] = [{ ctx: root, cancel: root, parent: -1 }]
      const recordings: Recording[] = []
      const models: Model[] = []
      const expected: unknown[] = []
      const written = new Set<number>()
      let lines = 0

      const isUnder = (place: number, above: number): boolean => {
        for (let at = place; at !== -1; at = places[at]?.parent ?? -1) if (at === above) return true
        return false
      }
      const dump = (model: Model): void => {
        const left = model.kept.filter((line) => !written.has(line))
        if (left.length > 0 || model.lost > 0) expected.push(`${left.length} kept, ${model.lost} lost`)
        for (const line of left) {
          expected.push(`recorded ${line}`)
          written.add(line)
        }
        model.kept = []
        model.lost = 0
      }
      const play = async (one: Step): Promise<void> => {
        // Mostly the newest, so that much happens in one place.
        const pick = 'of' in one ? (one.of % 3 === 0 ? one.of % places.length : places.length - 1) : 0
        const place = places[pick]
        const which = 'which' in one && models.length > 0 ? one.which % models.length : -1
        const model = models[which]
        switch (one.do) {
          case 'derive': {
            const child = (place?.ctx ?? root).withCancel()
            places.push({ ctx: child, cancel: child, parent: pick })
            return
          }
          case 'begin': {
            const base = place?.ctx ?? root
            const { maxLines } = one
            const recording = log.record(base, { level: one.level, maxLines })
            recordings.push(recording)
            // The recording's context ends with what it was made of.
            places.push({ ctx: recording.ctx, cancel: place?.cancel ?? root, parent: pick })
            const active = base.err === undefined
            const own = places.length - 1
            models.push({ place: own, threshold: rank(one.level), maxLines, active, kept: [], lost: 0 })
            await soon()
            return
          }
          case 'log': {
            const id = lines++
            ;(one.quiet ? quiet : log).withContext(place?.ctx ?? root)[one.level]({ id }, 'line')
            if (rank(one.level) >= (one.quiet ? rank('error') : rootLevel)) {
              expected.push(`written ${id}`)
              return
            }
            for (const at of models) {
              if (!at.active || rank(one.level) < at.threshold || !isUnder(pick, at.place)) continue
              at.kept.push(id)
              const out = at.kept.length > at.maxLines ? at.kept.shift() : undefined
              if (out !== undefined && !written.has(out)) at.lost += 1
            }
            return
          }
          case 'dump':
            if (model === undefined) return
            recordings[which]?.dump()
            dump(model)
            return
          case 'dump all':
            log.levels.dumpRecordings()
            for (const at of models) if (at.active) dump(at)
            return
          case 'discard':
            if (model === undefined) return
            recordings[which]?.discard()
            model.active = false
            model.kept = []
            model.lost = 0
            return
          case 'cancel': {
            place?.cancel.cancel()
            await soon()
            for (const at of models) if (places[at.place]?.ctx.err !== undefined) at.active = false
            return
          }
          case 'set':
            log.levels.set('', one.level)
            rootLevel = rank(one.level)
        }
      }

      for (const one of steps) {
        // oxlint-disable-next-line no-await-in-loop -- steps come one after the other
        await play(one)
        const unwritten = models.map(({ kept }) => kept.filter((line) => !written.has(line)).length)
        expect(recordings.map((recording) => recording.lines)).toEqual(unwritten)
        const floor = Math.min(...models.filter(({ active }) => active).map(({ threshold }) => threshold))
        expect(levels.root.gate).toBe(Math.min(rootLevel, floor))
        expect(levels.node('quiet').gate).toBe(Math.min(rank('error'), floor))
        expect(logStats().activeRecordings).toBe(models.filter(({ active }) => active).length)
      }
      expect(
        destination.records
          .filter(({ logger }) => logger !== 'log.levels')
          .map(({ id, recorded, recordedLines, lostLines }) => {
            if (recordedLines !== undefined) return `${Number(recordedLines)} kept, ${Number(lostLines)} lost`
            return `${recorded === true ? 'recorded' : 'written'} ${Number(id)}`
          }),
      ).toEqual(expected)

      root.cancel()
      await soon()
      expect(levels.root.gate).toBe(rootLevel)
      expect(logStats()).toMatchObject({ activeRecordings: 0, recordedCharacters: 0 })
    }),
    { numRuns: 500 },
  )
}, 60_000)

/** The context's end is told to its callbacks soon after it. */
function soon(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

const built = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)

/** Bytes of heap that stay after `use` was run so many times, in a process of its own that runs what was built. */
async function bytesKept(use: string, count: number): Promise<number> {
  const program = `
    import { background } from ${built('../../context/dist/index.js')}
    import { createLogger } from ${built('../dist/index.js')}
    const log = createLogger({ format: 'json', destination: { write() {} }, level: 'info' })
    const root = background.withTimeout(3_600_000)
    const held = log.record(background, { maxLines: 1000 })
    const use = async (count) => {
      for (let i = 0; i < count; i++) {
        ${use}
        if (i % 1000 === 0) await null
      }
    }
    const settled = async () => {
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setImmediate(resolve))
        gc()
      }
      return process.memoryUsage().heapUsed
    }
    await use(2000)
    const before = await settled()
    await use(${count})
    console.log(await settled() - before, held.lines, root.err)`
  const flags = ['--expose-gc', '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  return Number.parseFloat(stdout)
}

describe('in memory', () => {
  test.each([
    ['discarded', 'const r = log.record(root); log.withContext(r.ctx).debug({ i }, "x"); r.discard()'],
    [
      'ended with their context',
      'const c = root.withCancel(); log.withContext(log.record(c).ctx).debug({ i }, "x"); c.cancel()',
    ],
  ])(
    'recordings that were %s leave nothing',
    async (_name, use) => {
      expect((await bytesKept(use, 100_000)) / 100_000).toBeLessThan(4)
    },
    60_000,
  )

  test('lines of slices of large texts do not keep the texts', async () => {
    // 200 texts of a megabyte each.
    const use = `if (i % 10 === 0) {
      const body = String(i).repeat(1_000_000 / String(i).length | 0).replace('1', 'x')
      log.withContext(held.ctx).debug({ part: body.slice(10, 60) }, body.slice(100, 200))
    }`
    expect(await bytesKept(use, 2000)).toBeLessThan(10_000_000)
  }, 60_000)
})
