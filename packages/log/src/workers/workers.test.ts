import { execFile, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BroadcastChannel, getEnvironmentData, Worker } from 'node:worker_threads'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { createLogger, levelHandler } from '../index.ts'
import type { Logger } from '../index.ts'
import { memoryDestination } from '../testing.ts'
import { shareLevels } from './index.ts'
import type { SharedLevels, ShareLevelsOptions } from './index.ts'

// A worker is a plain Node, which runs what was built.
const built = (entry: string): string => JSON.stringify(new URL(`../../dist/${entry}`, import.meta.url).href)
const directory = mkdtempSync(join(tmpdir(), 'kit-levels-'))
afterAll(() => rmSync(directory, { recursive: true }))

// Starting a program takes a while on a machine that has other things to do.
vi.setConfig({ testTimeout: 120_000 })

const open: Disposable[] = []
const threads: Worker[] = []
const processes: { kill(signal: NodeJS.Signals): unknown }[] = []
afterEach(async () => {
  for (const disposable of open.splice(0)) disposable[Symbol.dispose]()
  for (const one of processes.splice(0)) one.kill('SIGKILL')
  await Promise.all(threads.splice(0).map((one) => one.terminate()))
})

function shared(options?: ShareLevelsOptions): { log: Logger; sharing: SharedLevels } {
  const log = createLogger({ format: 'json', destination: memoryDestination(), level: 'info' })
  // Waiting long: those who answer are busy starting up.
  const sharing = shareLevels(log.levels, { waitMs: 60_000, ...options })
  open.push(sharing, { [Symbol.dispose]: () => log.levels.reset() })
  return { log, sharing }
}

/** What a worker does: share its levels, run what it is told, and say what came of it. */
const program = (options: string): string => `
  const [kit, workers, context] = await Promise.all([import(${built('index.js')}), import(${built('workers/index.js')}), import('@kit/context')])
  const lines = []
  const log = kit.createLogger({ format: 'json', destination: { write: (line) => lines.push(JSON.parse(line).msg) }, level: 'info' })
  const sharing = workers.shareLevels(log.levels, { waitMs: 60000, ${options} })
  const run = async (code) => await eval('(async () => { return (' + code + ') })()')
`

/** A program that finds our packages, in a file beside them. */
function file(code: string): string {
  const path = join(directory, `${(files += 1)}.mjs`)
  writeFileSync(
    path,
    code.replaceAll(
      "import('@kit/context')",
      `import(${JSON.stringify(import.meta.resolve('@kit/context'))})`,
    ),
  )
  return path
}
let files = 0

interface Remote {
  /** Runs an expression there, which knows \`log\`, \`lines\`, \`kit\`, \`context\`. */
  run(code: string): Promise<unknown>
}

async function thread(options = ''): Promise<Remote & { worker: Worker }> {
  const worker = new Worker(
    file(`import { parentPort } from 'node:worker_threads'
      ${program(options)}
      parentPort.on('message', async (code) => parentPort.postMessage(await run(code)))
      parentPort.postMessage('ready')`),
  )
  threads.push(worker)
  await once(worker, 'message')
  return {
    worker,
    run: async (code) => {
      worker.postMessage(code)
      return ((await once(worker, 'message')) as unknown[])[0]
    },
  }
}

const child = (options: string): string =>
  file(`${program(options)}
    process.on('message', async (message) => { if (message.code) process.send({ result: await run(message.code) }) })
    process.send({ result: 'ready' })`)

function remote(
  process: NodeJS.EventEmitter & { send(message: object): unknown },
): Remote & { ready: Promise<unknown> } {
  const results: ((result: unknown) => void)[] = []
  process.on('message', (message: { result?: unknown }) => {
    if ('result' in message) results.shift()?.(message.result)
  })
  const next = (): Promise<unknown> => new Promise((resolve) => results.push(resolve))
  const ready = next()
  return {
    ready,
    run: (code) => {
      const result = next()
      process.send({ code })
      return result
    },
  }
}

const pids = (places: readonly { pid: number; thread: number }[]): string[] =>
  places.map(({ pid, thread: id }) => `${pid}/${id}`).toSorted()

describe('worker threads', () => {
  test('do what the main thread does, and it what they do', async () => {
    const { log } = shared()
    const [a, b] = [await thread(), await thread()]
    const handle = levelHandler(log.levels, { authorize: 'none' })
    const put = new Request('http://localhost/log/levels/db', {
      method: 'PUT',
      body: '{"level":"debug","ttl":"1h"}',
    })
    const { appliedTo, expiresAt } = (await (await handle(put)).json()) as {
      appliedTo: []
      expiresAt: number
    }
    const everywhere = [0, a.worker.threadId, b.worker.threadId]
      .map((id) => `${process.pid}/${id}`)
      .toSorted()
    expect(pids(appliedTo)).toEqual(everywhere)
    for (const one of [a, b])
      expect(await one.run(`log.levels.get('db')`)).toMatchObject({ level: 'debug', expiresAt })
    const places = await a.run(`(log.levels.set('http', 'error', { by: 'ada' }), log.levels.applied())`)
    expect(pids(places as [])).toEqual(everywhere)
    expect(log.levels.get('http').level).toBe('error')
    expect(log.levels.audit()[0]).toMatchObject({ name: 'http', by: 'ada' })
    expect(await b.run(`log.levels.get('http').level`)).toBe('error')
    log.levels.reset()
    await log.levels.applied()
    for (const one of [a, b])
      expect(await one.run(`log.levels.list()`)).toMatchObject([
        {},
        { name: 'db', level: 'info' },
        { level: 'info' },
      ])
  })

  test('let the same requests say more, also those that start later', async () => {
    const { log } = shared()
    log.levels.set('', 'silent')
    const override = log.levels.override({ when: { user: 'ann' }, level: 'debug' })
    const late = await thread()
    const work = `['ann', 'bob'].map((user) => context.run(kit.withRequest(context.background, { user }), () => log.named('a.b').debug(user)))`
    const heard = `lines.filter((line) => !line.startsWith('log '))`
    // It has said hello and waits for the answer, which comes before that to the next.
    await vi.waitFor(async () => expect(await late.run(`log.levels.overrides().length`)).toBe(1), 60_000)
    await late.run(work)
    expect(await late.run(heard)).toEqual(['ann'])
    override.end()
    expect(await log.levels.applied()).toHaveLength(2)
    await late.run(work)
    expect(await late.run(heard)).toEqual(['ann'])
  })

  test('that are gone are not waited for twice', async () => {
    const { log } = shared({ waitMs: 1 })
    const { worker, run } = await thread()
    await run(`log.levels.revision`)
    await worker.terminate()
    log.levels.set('a', 'error')
    expect(await log.levels.applied()).toHaveLength(1)
    log.levels.set('a', 'debug')
    expect(await log.levels.applied()).toHaveLength(1)
  })

  test('of another name are strangers, and so is who does not know the channel', async () => {
    const { log } = shared({ name: 'one' })
    const other = shared({ name: 'other' })
    const guess = new BroadcastChannel('@kit/log@1/levels/one')
    const heard: unknown[] = []
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- Node 20's types have no other
    guess.onmessage = (event) => heard.push(event)
    const worker = await thread(`name: 'other'`)
    log.levels.set('a', 'error')
    expect(await log.levels.applied()).toHaveLength(1)
    other.log.levels.set('b', 'error')
    expect(await other.log.levels.applied()).toHaveLength(2)
    expect(await worker.run(`log.levels.list().map(({ name }) => name)`)).toEqual(['', 'b'])
    expect(log.levels.list()).toHaveLength(2)
    guess.close()
    expect(heard).toEqual([])
    expect(getEnvironmentData('@kit/log@1/levels/one')).toMatch(/[\da-f-]{36}$/)
  })

  test('end when their work ends, and so does the main thread', async () => {
    const worker = file(`${program('')} log.levels.set('a', 'error')`)
    const main = file(`import { Worker } from 'node:worker_threads'
      ${program('')}
      const worker = new Worker(${JSON.stringify(worker)})
      worker.on('exit', (code) => { log.levels.set('b', 'error'); console.log('worker', code) })`)
    const { stdout } = await promisify(execFile)(process.execPath, [main])
    expect(stdout).toBe('worker 0\n')
  })
})

describe('processes', () => {
  test('of a cluster do what one of them does, with their threads', async () => {
    const { log } = shared()
    const exec = file(`import { Worker } from 'node:worker_threads'
      ${program('')}
      const threadFile = ${JSON.stringify(file(`import { parentPort } from 'node:worker_threads'\n${program('')}\nparentPort.on('message', () => parentPort.postMessage(log.levels.get('db').level))\nparentPort.postMessage('ready')`))}
      const worker = new Worker(threadFile)
      worker.once('message', () => process.send({ result: 'ready' }))
      const inThread = () => new Promise((resolve) => { worker.once('message', resolve); worker.postMessage('?') })
      process.on('message', async (message) => { if (message.code) process.send({ result: await run(message.code) }) })`)
    cluster.setupPrimary({ exec })
    const [a, b] = await Promise.all(
      [0, 1].map(async () => {
        const worker = cluster.fork()
        processes.push(worker.process)
        const there = remote(worker)
        await there.ready
        return { ...there, pid: worker.process.pid ?? 0 }
      }),
    )
    log.levels.set('db', 'debug', { ttlMs: 3_600_000 })
    const everywhere = [
      `${process.pid}/0`,
      ...[a, b].flatMap((one) => [`${one?.pid}/0`, `${one?.pid}/1`]),
    ].toSorted()
    expect(pids(await log.levels.applied())).toEqual(everywhere)
    for (const one of [a, b]) {
      expect(await one?.run(`log.levels.get('db').level`)).toBe('debug')
      expect(await one?.run(`inThread()`)).toBe('debug')
    }
    const places = await a?.run(`(log.levels.set('db', 'error'), log.levels.applied())`)
    expect(pids(places as [])).toEqual(everywhere)
    expect(log.levels.get('db').level).toBe('error')
    expect(await b?.run(`inThread()`)).toBe('error')
  })

  test('that were forked share if both sides say so, and end by themselves', async () => {
    const { log, sharing } = shared()
    const forked: ChildProcess = fork(child('parent: true'))
    processes.push(forked)
    sharing.add(forked)
    const there = remote(forked)
    await there.ready
    await there.run(`(log.levels.set('db', 'error'), log.levels.applied())`)
    expect(log.levels.get('db').level).toBe('error')
    const exit = once(forked, 'exit')
    forked.disconnect()
    expect(await exit).toEqual([0, null])
    log.levels.set('db', 'debug')
    expect(await log.levels.applied()).toHaveLength(1)
  })

  test('are not kept alive by what they share', async () => {
    const { sharing } = shared()
    const forked: ChildProcess = fork(file(program('parent: true')))
    processes.push(forked)
    sharing.add(forked)
    expect(await once(forked, 'exit')).toEqual([0, null])
  })
})

test('mistakes are told at once, and a name is free again after its end', () => {
  const { log, sharing } = shared({ name: 'mine' })
  const again =
    (options: unknown): (() => unknown) =>
    () =>
      shareLevels(log.levels, options as ShareLevelsOptions)
  for (const options of [{ name: 'mine' }, { name: '' }, { name: 7 }, { waitMs: -1 }, { waitMs: Infinity }]) {
    expect(again(options)).toThrow(expect.objectContaining({ code: 'KIT_LOG_BAD_OPTION' }) as Error)
  }
  expect(again({ names: 'x' })).toThrow(expect.objectContaining({ code: 'KIT_LOG_UNKNOWN_OPTION' }) as Error)
  sharing.close()
  sharing.close()
  const second = shareLevels(log.levels, { name: 'mine' })
  second[Symbol.dispose]()
  log.levels.set('a', 'error')
  expect(log.levels.operations()).toHaveLength(1)
})
