import { spawnSync } from 'node:child_process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { background, createKey, group, run, sleep } from './index.ts'
import type { ManualClock } from './manual-clock.ts'
import { manualClock } from './manual-clock.ts'
import type { LiveContext } from './testing.ts'
import { liveContexts, onLostCancel } from './testing.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Lets the garbage collector run, and what it sets off. */
async function collected(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
}

let time: ManualClock
beforeEach(async () => {
  await collected()
  time = manualClock()
})
afterEach(() => time[Symbol.dispose]())

const names = (): string[] => liveContexts().map(({ name }) => name)

function deriveHere(): ReturnType<typeof background.withTimeout> {
  return background.withCancel().withTimeout(500)
}

it('lists what can be cancelled and has not ended, oldest first, with where it comes from', () => {
  expect(names()).toEqual([])
  const ctx = deriveHere()
  time.advance(100)
  void ctx.signal
  const [outer, inner] = liveContexts()
  expect(outer).toMatchObject({ name: 'background.withCancel', deadline: undefined, watched: true })
  expect(inner).toMatchObject({
    name: 'background.withCancel.withTimeout(500ms)',
    ageMs: 100,
    deadline: 500,
    watched: true,
  })
  expect(inner?.stack.split('\n')[0]).toMatch(/^at deriveHere \(.*tracking\.test\.ts:\d+:\d+\)$/)
  ctx.cancel()
  expect(names()).toEqual(['background.withCancel'])
})

it('does not list what ended by itself or with its parent, and what has no end of its own', () => {
  const parent = background.withCancel()
  parent.withTimeout(10)
  parent.withValue(createKey('k'), 1).withoutCancel()
  const children = [parent.withCancel(), parent.withSignal(new AbortController().signal)]
  expect(names().length).toBe(4)
  time.advance(10)
  expect(names().length).toBe(3)
  parent.cancel()
  expect([names(), children.length]).toEqual([[], 2])
})

it('lists what leaks: dropped by everybody, and watched all the same', async () => {
  const parent = background.withCancel()
  const leak = (): void => void parent.withTimeout(60_000).signal
  leak()
  const forget = (): void => void parent.withTimeout(60_000)
  forget()
  await collected()
  expect(names()).toEqual(['background.withCancel', 'background.withCancel.withTimeout(60000ms)'])
  parent.cancel()
})

it('reports what was dropped without having been cancelled, once, and nothing else', async () => {
  const lost: LiveContext[] = []
  const end = onLostCancel((one) => lost.push(one))
  const parent = background.withCancel()
  const use = async (): Promise<void> => {
    parent.withTimeout(60_000).cancel()
    const inTime = parent.withTimeout(5)
    inTime.afterFunc(() => {})
    const g = group(parent)
    g.go(() => {})
    await g.wait()
    const early = sleep(parent, 60_000).catch(() => {})
    void early
    deriveHere() // 2: the outer one as well
    run(parent.withCancel(), () => parent.withSignal(new AbortController().signal)) // 2
  }
  await use()
  time.advance(10)
  await collected()
  expect(lost.map(({ name }) => name).toSorted()).toEqual([
    'background.withCancel',
    'background.withCancel.withCancel',
    'background.withCancel.withSignal',
    'background.withCancel.withTimeout(500ms)',
  ])
  expect(lost.every(({ stack }) => stack.includes('tracking.test.ts'))).toBe(true)
  end()
  deriveHere()
  await collected()
  expect(lost.length).toBe(4)
  parent.cancel()
})

it('keeps no records of what has ended', () => {
  const kept = background.withCancel()
  for (let i = 0; i < 5000; i++) background.withCancel().cancel()
  expect(names()).toEqual(['background.withCancel'])
  kept.cancel()
})

it('makes Node warn in development', () => {
  const built = (file: string): string => new URL(`../dist/${file}`, import.meta.url).href
  const program = `
    import { background } from ${JSON.stringify(built('index.js'))}
    const forgetful = () => void background.withTimeout(60_000)
    forgetful()
    background.withTimeout(60_000).cancel()
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      gc()
    }`
  const flags = ['--expose-gc', '--input-type=module', '--import', built('development.js'), '-e', program]
  const { stderr, status } = spawnSync(process.execPath, flags, { encoding: 'utf8' })
  expect([status, stderr.match(/LostCancelWarning/g)?.length]).toEqual([0, 1])
  expect(stderr).toMatch(
    /\[KIT_LOST_CANCEL\] LostCancelWarning: background\.withTimeout\(60000ms\) was derived and never/,
  )
  expect(stderr).toContain('at forgetful ')
})
