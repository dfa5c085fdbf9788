import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WaitingLines } from './waiting-lines.ts'

/** Lines short and long, to beyond a page, of one to three bytes a character. */
const lines = fc
  .tuple(fc.constantFrom('a', 'é', '日', '😀', '\ud800'), fc.oneof(fc.nat(300), fc.nat(120_000)))
  .map(([character, times]) => `${character.repeat(times)}\n`)

/** What is done to the queue, one after the other: a line comes, or so much of the head is taken. */
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ line: lines, isWatched: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 1, arbitrary: fc.constant('give up what is begun' as const) },
    { weight: 1, arbitrary: fc.record({ refused: lines }) },
  ),
  { maxLength: 40 },
)

/** Takes a part of the head, at least a byte. Returns what was taken. */
function take(waiting: WaitingLines, share: number): Buffer {
  const head = waiting.head()
  if (head === undefined || head.start === head.end) return Buffer.alloc(0)
  const count = Math.max(1, Math.round((head.end - head.start) * share))
  const taken = Buffer.from(head.bytes.subarray(head.start, head.start + count))
  waiting.took(count)
  return taken
}

test('what comes in comes out, whole and in order, but for what was given up', () => {
  fc.assert(
    fc.property(steps, (program) => {
      const waiting = new WaitingLines()
      const model: Buffer[] = []
      let out = Buffer.alloc(0)
      let expected = Buffer.alloc(0)
      let told = 0
      let watched = 0
      let isBegun = false
      /** What was told, and what should have been. */
      const counts: [number, number][] = []
      for (const step of program) {
        if (step === 'give up what is begun') {
          const lost = waiting.giveUpBegun() + (told - watched)
          watched = told
          counts.push([lost, isBegun ? 1 : 0])
          if (isBegun) model.shift()
          isBegun = false
        } else if ('line' in step) {
          waiting.encode(step.line)
          waiting.accept(step.isWatched ? () => (told += 1) : undefined)
          model.push(Buffer.from(step.line))
        } else if ('refused' in step) {
          waiting.encode(step.refused)
          counts.push([waiting.encoded, Buffer.byteLength(step.refused)])
        } else {
          let taken = take(waiting, step.share)
          out = Buffer.concat([out, taken])
          for (let first = model[0]; first !== undefined && taken.length > 0; first = model[0]) {
            const part = first.subarray(0, taken.length)
            expected = Buffer.concat([expected, part])
            taken = taken.subarray(part.length)
            isBegun = part.length < first.length
            if (isBegun) model[0] = first.subarray(part.length)
            else model.shift()
          }
        }
        expect(waiting.begun).toBe(isBegun)
        expect(waiting.bytes).toBe(model.reduce((sum, { length }) => sum + length, 0))
      }
      for (let pages = program.length; pages > 0; pages -= 1) out = Buffer.concat([out, take(waiting, 1)])
      expect(counts.map(([seen]) => seen)).toEqual(counts.map(([, due]) => due))
      expect(out.equals(Buffer.concat([expected, ...model]))).toBe(true)
    }),
  )
})

test('what is given up is counted, with those that want to hear of it told', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ line: lines, isWatched: fc.boolean() }), { maxLength: 12 }), (added) => {
      const waiting = new WaitingLines()
      let told = 0
      for (const { line, isWatched } of added) {
        waiting.encode(line)
        waiting.accept(isWatched ? () => (told += 1) : undefined)
      }
      const untold = waiting.giveUp()
      expect([untold, told]).toEqual([
        added.filter(({ isWatched }) => !isWatched).length,
        added.filter(({ isWatched }) => isWatched).length,
      ])
      expect([waiting.bytes, waiting.head(), waiting.begun]).toEqual([0, undefined, false])
      waiting.encode('next\n')
      waiting.accept()
      expect(take(waiting, 1).toString()).toBe('next\n')
    }),
  )
})
