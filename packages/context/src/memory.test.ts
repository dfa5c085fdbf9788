import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/* What a million uses of one long-lived context leave behind, in a process of its own that runs what was built. */

const built = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)

/** Bytes of heap kept for each of `count` runs of `use`, which may await. */
async function bytesKept(use: string, count = 1_000_000): Promise<number> {
  const program = `
    import { background, createKey, race, sleep } from ${built}
    const key = createKey('k', 0)
    // Alive and watched, as the context of a process is.
    const root = background.withTimeout(3_600_000)
    root.afterFunc(() => {})
    const use = async (count) => {
      for (let i = 0; i < count; i++) {
        ${use}
        if (i % 1000 === 0) await null // callbacks run in microtasks, which a loop without a break would pile up
      }
    }
    const settled = async () => {
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setImmediate(resolve))
        gc()
      }
      return process.memoryUsage().heapUsed
    }
    await use(20_000)
    const before = await settled()
    await use(${count})
    console.log((await settled() - before) / ${count}, root.err)`
  const flags = ['--expose-gc', '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  return Number.parseFloat(stdout)
}

describe('a million of them leave at most 4 bytes each', () => {
  it.each([
    ['cancelled children [I18]', 'root.withCancel().cancel()'],
    [
      'cancelled children that were watched [I18]',
      'const c = root.withCancel(); c.afterFunc(() => {}); c.cancel()',
    ],
    ['forgotten children that nobody watched [I19]', 'root.withCancel()'],
    [
      'forgotten timeouts and values that nobody watched [I19]',
      'root.withTimeout(60_000).withValue(key, i).withCancel()',
    ],
    ['races on a long-lived context [I37]', 'await race(root, Promise.resolve(i))'],
    ['callbacks that were stopped', 'root.afterFunc(() => {})()'],
  ])('%s', async (_name, use) => expect(await bytesKept(use)).toBeLessThanOrEqual(4), 60_000)

  it('cancelled children whose signal was read, a tenth as many: AbortControllers are slow on Node 20 [I18]', async () => {
    const use = 'const c = root.withTimeout(1e6); void c.signal; c.cancel()'
    expect(await bytesKept(use, 100_000)).toBeLessThanOrEqual(4)
  }, 60_000)

  it('is something that this test can tell: children that are watched and not cancelled stay', async () => {
    const use = 'if (i % 20 === 0) root.withCancel().afterFunc(() => {})'
    expect(await bytesKept(use, 200_000)).toBeGreaterThan(4)
  }, 60_000)
})
