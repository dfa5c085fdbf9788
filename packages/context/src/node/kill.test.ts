import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { background } from '../index.ts'
import type { ManualClock } from '../manual-clock.ts'
import { manualClock } from '../manual-clock.ts'
import { execFile, killOnDone } from './kill.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock()
})
afterEach(() => time[Symbol.dispose]())

/** Programs that say "ready" and then stay. */
const obedient = `console.log('ready'); setInterval(() => {}, 1e6)`
const stubborn = `process.on('SIGTERM', () => console.log('no')); ${obedient}`
const polite = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0) }); ${obedient}`

const heard = async (output: Readable | null, text: string): Promise<void> => {
  for (let seen = ''; !seen.includes(text);) seen += String((await once(output as Readable, 'data'))[0])
}

describe('killOnDone', () => {
  it('ends a process by SIGTERM', async () => {
    const ctx = background.withTimeout(50)
    const child = killOnDone(ctx, spawn(process.execPath, ['-e', obedient]))
    const exit = once(child, 'exit')
    await heard(child.stdout, 'ready')
    time.advance(50)
    expect(await exit).toEqual([null, 'SIGTERM'])
    expect(time.pendingTimers).toBe(0)
  })

  it('ends one that ignores it by SIGKILL, after the grace and not before', async () => {
    const ctx = background.withTimeout(50)
    const child = killOnDone(ctx, spawn(process.execPath, ['-e', stubborn]), { graceMs: 200 })
    const exit = once(child, 'exit')
    await heard(child.stdout, 'ready')
    time.advance(50)
    await heard(child.stdout, 'no')
    time.advance(199)
    expect([child.exitCode, child.signalCode, time.pendingTimers]).toEqual([null, null, 1])
    time.advance(1)
    expect(await exit).toEqual([null, 'SIGKILL'])
  })

  it('sends another signal, or SIGKILL at once', async () => {
    const signals = await Promise.all(
      [{ killSignal: 'SIGINT' as const }, { graceMs: 0 }].map(async (options) => {
        const ctx = background.withCancel()
        const child = killOnDone(ctx, spawn(process.execPath, ['-e', obedient]), options)
        await heard(child.stdout, 'ready')
        ctx.cancel()
        return once(child, 'exit')
      }),
    )
    expect(signals).toEqual([
      [null, 'SIGINT'],
      [null, 'SIGKILL'],
    ])
  })

  it('reaches the whole group, children of a shell included', async () => {
    const ctx = background.withCancel()
    const script = `"${process.execPath}" -e "${obedient}"; true`
    const child = killOnDone(ctx, spawn(script, { shell: true, detached: true }), { group: true })
    await heard(child.stdout, 'ready')
    ctx.cancel()
    // The pipe closes when the last process that holds it is gone.
    await once(child, 'close')
    expect(child.signalCode).toBe('SIGTERM')
  })

  it('leaves nothing on the context of a process that ended or never started', async () => {
    const ctx = background.withTimeout(50)
    const done = killOnDone(ctx, spawn(process.execPath, ['-e', '']))
    const missing = killOnDone(ctx, spawn('/no/such/program'))
    expect(missing.listenerCount('error')).toBe(0) // an error that nobody listens to stays uncaught
    expect(time.pendingTimers).toBe(1)
    await Promise.all([once(done, 'exit'), once(missing, 'error')])
    expect(time.pendingTimers).toBe(0)
  })

  it('leaves nothing on the context of a process that had ended before', async () => {
    const ctx = background.withTimeout(50)
    const ended = [spawn(process.execPath, ['-e', '']), spawn('/no/such/program'), spawn(process.execPath)]
    const gone = ended.map((child) => once(child, child.pid === undefined ? 'error' : 'exit'))
    ended[2]?.kill()
    await Promise.all(gone)
    for (const child of ended) killOnDone(ctx, child)
    expect(time.pendingTimers).toBe(0)
  })

  it('lets go when the process is gone, though a child of its own still holds the pipe', async () => {
    const ctx = background.withTimeout(50)
    const inner = `process.send(require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'],
      { stdio: 'inherit', detached: true }).pid, () => process.exit())`
    const stdio = ['ignore', 'pipe', 'inherit', 'ipc'] as const
    const child = killOnDone(ctx, spawn(process.execPath, ['-e', inner], { stdio: [...stdio] }))
    const [[grandchild]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [
      [number],
      unknown,
    ]
    expect(time.pendingTimers).toBe(0)
    process.kill(grandchild)
    await once(child, 'close')
  })

  it('refuses what is no process, and options that make no sense', () => {
    for (const [ctx, child, options, code] of [
      [null, spawn(process.execPath, ['-v']), {}, 'KIT_INVALID_CONTEXT'],
      [background, {}, {}, 'KIT_INVALID_PROCESS'],
      [background, undefined, {}, 'KIT_INVALID_PROCESS'],
      [background, spawn(process.execPath, ['-v']), { graceMs: Number.NaN }, 'KIT_INVALID_OPTION'],
      [background, spawn(process.execPath, ['-v']), { killSignal: 'SIGNOPE' }, 'KIT_INVALID_OPTION'],
    ] as const) {
      expect(() => killOnDone(ctx as never, child as never, options as never)).toThrow(
        expect.objectContaining({ code }),
      )
    }
  })
})

describe('execFile', () => {
  it('runs a program to its end', async () => {
    const program = `console.log(process.argv[1], process.env.X); console.error('aside')`
    const output = await execFile(background, process.execPath, ['-e', program, 'a'], { env: { X: 'x' } })
    expect(output).toEqual({ stdout: 'a x\n', stderr: 'aside\n' })
  })

  it('ends with the context, and rejects with its error once the process is gone', async () => {
    const ctx = background.withTimeout(50)
    const failed = execFile(ctx, process.execPath, ['-e', obedient]).catch((error: unknown) => error)
    time.advance(50)
    expect(await failed).toBe(ctx.err)
    expect(time.pendingTimers).toBe(0)
  })

  it('returns the output of a program that ended well all the same', async () => {
    const ctx = background.withCancel()
    const child = execFile(ctx, process.execPath, ['-e', `${polite}; process.kill(process.ppid, 'SIGUSR2')`])
    await once(process, 'SIGUSR2')
    ctx.cancel()
    expect(await child).toEqual({ stdout: 'ready\nbye\n', stderr: '' })
  })

  it('rejects as Node does when the program fails by itself', async () => {
    const ctx = background.withCancel()
    await expect(execFile(ctx, process.execPath, ['-e', 'process.exit(3)'])).rejects.toMatchObject({
      code: 3,
    })
    await expect(execFile(ctx, '/no/such/program')).rejects.toMatchObject({ code: 'ENOENT' })
    const tooLate = background.withCancel()
    const missing = execFile(tooLate, '/no/such/program')
    tooLate.cancel()
    await expect(missing).rejects.toMatchObject({ code: 'ENOENT' })
    const big = execFile(ctx, process.execPath, ['-e', 'console.log("x".repeat(1000))'], { maxBuffer: 10 })
    await expect(big).rejects.toMatchObject({ code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' })
  })

  it('starts nothing under a context that has ended, or with options that make no sense', async () => {
    const ctx = background.withTimeout(0)
    await expect(execFile(ctx, '/no/such/program')).rejects.toBe(ctx.err)
    await expect(execFile(background, '/no/such/program', [], { graceMs: -1 })).rejects.toMatchObject({
      code: 'KIT_INVALID_OPTION',
    })
    await expect(execFile({} as never, '/no/such/program')).rejects.toMatchObject({
      code: 'KIT_INVALID_CONTEXT',
    })
  })
})
