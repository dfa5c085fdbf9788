import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

// What is left of the lines when a process ends, in every way that it can, whatever it writes to. Nothing here waits
// for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const entry = JSON.stringify(new URL('../../packages/log/dist/index.js', import.meta.url).href)
const LINES = 1000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kit-log-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function child(script: string, stdio: StdioOptions): ChildProcess {
  const source = `import { createLogger, logStats } from ${entry}
    import { writeFileSync } from 'node:fs'
    ${script}`
  return spawn(process.execPath, ['--input-type=module', '-e', source], { stdio })
}

/** Ways to end. */
const ENDS = {
  'the end of its work': ``,
  'process.exit': `process.exit(3)`,
  'an uncaught error': `throw new Error('expected')`,
  'an unhandled rejection': `Promise.reject(new Error('expected'))`,
  SIGTERM: `process.kill(process.pid, 'SIGTERM')`,
  SIGKILL: `process.kill(process.pid, 'SIGKILL')`,
} as const
type End = keyof typeof ENDS
const ALL_ENDS = Object.keys(ENDS) as End[]
const TARGETS = ['a file', 'a pipe', 'a socket'] as const
type Target = (typeof TARGETS)[number]

/** Runs a process that logs, and returns the messages that arrived. */
async function messages(target: Target, options: string, script: string): Promise<string[]> {
  const path = join(folder, 'out.log')
  writeFileSync(path, '')
  const destination = target === 'a file' ? JSON.stringify(path) : '1'
  const source = `const log = createLogger({ format: 'json', destination: ${destination}, ${options} })\n${script}`
  let text: string
  if (target === 'a pipe') {
    // The shell's pipe is a real one, where Node makes sockets.
    const program = join(folder, 'program.mjs')
    writeFileSync(program, `import { createLogger } from ${entry}\n${source}`)
    const shell = spawn('/bin/sh', [
      '-c',
      '"$0" "$1" 2>/dev/null | cat >"$2"',
      process.execPath,
      program,
      path,
    ])
    await once(shell, 'close')
    text = readFileSync(path, 'utf8')
  } else {
    const process_ = child(source, ['ignore', 'pipe', 'ignore'])
    let received = ''
    process_.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    await once(process_, 'close')
    text = target === 'a file' ? readFileSync(path, 'utf8') : received
  }
  const lines = text.split('\n')
  const rest = lines.pop()
  if (rest !== '') throw new Error(`torn: ${rest}`)
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
}

const burst = `for (let i = 0; i < ${LINES}; i += 1) log.info(String(i))\n`
const expected = Array.from({ length: LINES }, (_, i) => String(i))

describe.each(TARGETS)('a process that writes to %s', (target) => {
  test.each(ALL_ENDS)('loses nothing by default when it ends with %s in its first turn', async (end) => {
    expect(await messages(target, '', burst + ENDS[end])).toEqual(expected)
  })

  test.each(ALL_ENDS.filter((end) => !end.startsWith('SIG')))(
    'loses nothing in async mode when it ends with %s in its first turn',
    async (end) => {
      expect(await messages(target, 'async: true', burst + ENDS[end])).toEqual(expected)
    },
  )

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'loses the lines of the current turn at most in async mode when it ends with %s',
    async (end) => {
      const later = `log.info('later'); ${ENDS[end]}`
      expect(await messages(target, 'async: true', `${burst}setImmediate(() => { ${later} })`)).toEqual(
        expected,
      )
    },
  )

  test('loses nothing that is logged while it exits', async () => {
    const script = `log.info('first'); process.on('exit', () => log.info('last')); process.exit()`
    expect(await messages(target, 'async: true', script)).toEqual(['first', 'last'])
    expect(await messages(target, '', script)).toEqual(['first', 'last'])
  })
})

describe.each(['', 'async: true'])('with {%s}', (options) => {
  test('a full disk throws nothing, holds nothing up, and is counted', async () => {
    const report = join(folder, 'report')
    const process_ = child(
      `const log = createLogger({ format: 'json', destination: '/dev/full', ${options} })
       ${burst}
       setTimeout(() => {
         ${burst}
         process.on('exit', () => writeFileSync(${JSON.stringify(report)}, JSON.stringify(logStats())))
         process.exit(0)
       }, 1)`,
      ['ignore', 'inherit', 'inherit'],
    )
    expect(await once(process_, 'exit')).toEqual([0, null])
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ droppedLines: 2 * LINES })
  })

  test.each(['pipe', 'socket'])(
    'a %s that nobody reads does not stop the process, and hears how many lines it missed',
    async (kind) => {
      // The writing end is in blocking mode, as a shell hands it down: a plain write would never return.
      const path = join(folder, 'pipe')
      execFileSync('/usr/bin/env', ['mkfifo', path])
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const writer = openSync(path, constants.O_WRONLY)
      const process_ = child(
        `const log = createLogger({ format: 'json', destination: 1, ${options === '' ? '' : 'async: { maxBytes: 100_000 }'} })
         process.on('message', async () => {
           let lines = 0
           let lost
           do {
             lost = logStats().droppedLines
             log.info('after')
             lines += 1
             await log.flush(100)
             await new Promise(setImmediate)
           } while (logStats().droppedLines > lost)
           process.send({ lost, lines })
           process.disconnect()
         })
         // Twice what a socket takes, in lines that do not fit evenly.
         for (let i = 0; i < 600; i += 1) log.info({ pad: 'x'.repeat(3000) }, 'line')
         setTimeout(() => process.send({ lost: logStats().droppedLines }), 1)`,
        ['ignore', kind === 'pipe' ? writer : 'pipe', 'inherit', 'ipc'],
      )
      closeSync(writer)
      const [first] = (await once(process_, 'message')) as [{ lost: number }]
      expect(first.lost).toBeGreaterThan(0)
      const second = once(process_, 'message') as Promise<[{ lost: number; lines: number }]>
      const closed = once(process_, 'close')
      let text = ''
      if (kind === 'socket') {
        process_.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        process_.send('go on')
        await closed
      } else {
        const bytes = Buffer.alloc(1_000_000)
        text += bytes.toString('utf8', 0, readSync(reader, bytes))
        process_.send('go on')
        const drain = setInterval(() => {
          try {
            text += bytes.toString('utf8', 0, readSync(reader, bytes))
          } catch {
            // Nothing there yet.
          }
        }, 1)
        await closed
        clearInterval(drain)
        for (let size = readSync(reader, bytes); size > 0; size = readSync(reader, bytes))
          text += bytes.toString('utf8', 0, size)
      }
      closeSync(reader)
      const records = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { msg: string; lost?: number })
      expect(records.at(-1)?.msg).toBe('after')
      const told = records.reduce((sum, { lost = 0 }) => sum + lost, 0)
      const written = records.filter(({ msg }) => msg === 'line' || msg === 'after').length
      const [{ lost, lines }] = await second
      expect({ told, written }).toEqual({ told: lost, written: 600 + lines - lost })
    },
  )
})

test('a process exits although nobody reads what waits', async () => {
  const process_ = child(
    `const log = createLogger({ format: 'json', async: true })
     for (let i = 0; i < 600; i += 1) log.info({ pad: 'x'.repeat(3000) }, 'line')
     process.exit(5)`,
    ['ignore', 'pipe', 'inherit'],
  )
  expect(await once(process_, 'exit')).toEqual([5, null])
  process_.stdout?.destroy()
})
