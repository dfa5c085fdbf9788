import { ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Context } from '../index.ts'
import { background } from '../index.ts'
import type { ManualClock } from '../manual-clock.ts'
import { manualClock } from '../manual-clock.ts'
import { execFile, killOnDone } from './kill.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock()
})
afterEach(() => {
  time[Symbol.dispose]()
  vi.restoreAllMocks()
})

/** Programs that say "ready" and then stay. */
const obedient = `console.log('ready'); setInterval(() => {}, 1e6)`
const stubborn = `process.on('SIGTERM', () => console.log('no')); ${obedient}`
const polite = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0) }); ${obedient}`

/** Does the `first`, starts the program with its own output, and says the pid of it. */
const parentOf = (program: string, first: string, options = ''): string =>
  `${first}; const inner = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(program)}],
    { stdio: 'inherit', ${options} })
  inner.unref(); console.log('pid ' + inner.pid)`

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

  it('kills who is left of the group though the process itself has exited', async () => {
    const ctx = background.withCancel()
    const script = parentOf(stubborn, 'setInterval(() => {}, 1e6)')
    const child = spawn(process.execPath, ['-e', script], { detached: true })
    killOnDone(ctx, child, { group: true, graceMs: 200 })
    const exit = once(child, 'exit')
    await heard(child.stdout, 'ready')
    const closed = once(child, 'close')
    ctx.cancel()
    await Promise.all([exit, heard(child.stdout, 'no')])
    time.advance(199)
    expect([child.signalCode, time.pendingTimers]).toEqual(['SIGTERM', 1])
    time.advance(1)
    await closed
    expect(time.pendingTimers).toBe(0)
  })

  it('sends no more to a group that is gone', async () => {
    const ctx = background.withCancel()
    const [empty, emptied] = [0, 1].map(() =>
      killOnDone(ctx, spawn(process.execPath, ['-e', obedient], { detached: true }), { group: true }),
    ) as [ChildProcess, ChildProcess]
    await Promise.all([heard(empty.stdout, 'ready'), heard(emptied.stdout, 'ready')])
    const { kill } = process
    let present = true
    const sent = vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      return pid === -(emptied.pid as number) && signal === 0 && present
        ? true
        : kill.call(process, pid, signal)
    })
    const own = [vi.spyOn(empty, 'kill'), vi.spyOn(emptied, 'kill')]
    const gone = Promise.all([once(empty, 'exit'), once(emptied, 'exit')])
    ctx.cancel()
    await gone
    expect(time.pendingTimers).toBe(1)
    present = false
    time.advance(5000)
    expect(time.pendingTimers).toBe(0)
    expect(sent.mock.calls.map(([, signal]) => signal)).not.toContain('SIGKILL')
    for (const kills of own) expect(kills).not.toHaveBeenCalled()
  })

  it('ends a process that its owner killed in vain before', async () => {
    const ctx = background.withCancel()
    const child = killOnDone(ctx, spawn(process.execPath, ['-e', stubborn]), { graceMs: 200 })
    const exit = once(child, 'exit')
    await heard(child.stdout, 'ready')
    child.kill()
    await heard(child.stdout, 'no')
    ctx.cancel()
    ctx.cancel()
    await heard(child.stdout, 'no')
    time.advance(200)
    expect(await exit).toEqual([null, 'SIGKILL'])
    expect(time.pendingTimers).toBe(0)
  })

  it('gets to SIGKILL though the first signal could not be sent', async () => {
    const ctx = background.withCancel()
    const child = killOnDone(ctx, spawn(process.execPath, ['-e', obedient]), { graceMs: 200 })
    const exit = once(child, 'exit')
    await heard(child.stdout, 'ready')
    vi.spyOn(child, 'kill').mockImplementationOnce(() => {
      throw new Error('no such signal here')
    })
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const uncaught = once(process, 'uncaughtException')
    ctx.cancel()
    expect(await uncaught).toMatchObject([{ message: 'no such signal here' }, 'uncaughtException'])
    for (const listener of before) process.on('uncaughtException', listener)
    time.advance(200)
    expect(await exit).toEqual([null, 'SIGKILL'])
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
      [background, spawn(process.execPath, ['-v']), { killSignal: Symbol('SIGTERM') }, 'KIT_INVALID_OPTION'],
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

  /** Runs a program that leaves another one behind with its output, and waits until it has said so. */
  const leaving = async (
    ctx: Context,
    first: string,
  ): Promise<{ output: Promise<unknown>; child: ChildProcess }> => {
    const spawned = vi.spyOn(ChildProcess.prototype as unknown as { spawn: () => void }, 'spawn')
    const program = parentOf('setInterval(() => {}, 1e6)', first, 'detached: true')
    const output = execFile(ctx, process.execPath, ['-e', program]).catch((error: unknown) => error)
    const child = spawned.mock.contexts[0] as ChildProcess
    let said = ''
    while (!said.includes('\n')) said += String((await once(child.stdout as Readable, 'data'))[0])
    survivors.push(Number(said.slice('pid '.length)))
    return { output, child }
  }
  const survivors: number[] = []
  afterEach(() => {
    for (const pid of survivors.splice(0)) process.kill(pid, 'SIGKILL')
  })

  it('rejects once the program is gone, though a child of its own still holds the output', async () => {
    const ctx = background.withCancel()
    const { output } = await leaving(ctx, 'setInterval(() => {}, 1e6)')
    ctx.cancel()
    expect(await output).toBe(ctx.err)
  })

  it('returns what a program that ended well has written, though a child still holds the output', async () => {
    const ctx = background.withCancel()
    const asked = await leaving(
      ctx,
      `process.on('SIGTERM', () => { console.log('bye'.repeat(20_000)); process.exit() }); setInterval(() => {}, 1e6)`,
    )
    ctx.cancel()
    expect(await asked.output).toMatchObject({ stdout: expect.stringMatching(/^pid \d+\n(bye){20000}\n$/) })
  })

  it('does not wait for the output of a program that is gone when the context ends', async () => {
    const ctx = background.withCancel()
    const { output, child } = await leaving(ctx, '')
    if (child.exitCode === null) await once(child, 'exit')
    ctx.cancel()
    expect(await output).toMatchObject({ stdout: expect.stringMatching(/^pid \d+\n$/) })
  })

  it("leaves the failure to Node where its own limits came first, and has it send the caller's signal", async () => {
    const ctx = background.withCancel()
    const told = once(process, 'SIGUSR2')
    const program = `process.on('SIGINT', () => process.kill(process.ppid, 'SIGUSR2')); ${obedient}; console.log('x'.repeat(1000))`
    const big = execFile(ctx, process.execPath, ['-e', program], {
      maxBuffer: 100,
      killSignal: 'SIGINT',
      graceMs: 0,
    }).catch((error: unknown) => error)
    await told
    ctx.cancel()
    expect(await big).toMatchObject({ code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' })

    const late = background.withCancel()
    const { kill } = ChildProcess.prototype
    vi.spyOn(ChildProcess.prototype, 'kill').mockImplementation(function (this: ChildProcess, signal) {
      const sent = kill.call(this, signal)
      late.cancel()
      return sent
    })
    const slow = execFile(late, process.execPath, ['-e', obedient], { timeout: 1, killSignal: 'SIGINT' })
    await expect(slow).rejects.toMatchObject({ killed: true, signal: 'SIGINT', code: null })
    expect(late.err).toBeDefined()
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
