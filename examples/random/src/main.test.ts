import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { usage } from './args.ts'

// The program as it was built, as a process of its own: what it prints and how it exits is all that there is to it.

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const patienceMs = 60_000

interface Run {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs it to its end; kills it when that does not come. `onOutput` is called once it has said something. */
function random(
  line: string,
  onOutput?: (kill: (signal: 'SIGINT' | 'SIGTERM') => void) => void,
): Promise<Run> {
  const args = line.split(' ').filter((word) => word !== '')
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMs / 2,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  if (onOutput !== undefined) child.stdout.once('data', () => onOutput((signal) => child.kill(signal)))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

describe('somebody finds it', { timeout: patienceMs }, () => {
  it.each(['', 'cancel', 'deadline --in 10m', 'timeout --after 10m'])('random %s', async (line) => {
    const { code, stdout, stderr } = await random(line)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^10,000 workers search for 62,707 among 0 … 99,999: 100 draws each, seed 1\n/)
    expect(stdout).toContain('\nworker 902 found 62,707 with its 5th draw\n')
    expect(stdout).toMatch(/\n {2}40,902 draws by all of them in [\d.,]+ s\n/)
    expect(stdout).toContain('the others were cancelled: 9,999 of 9,999; ended by now: 9,999 of 9,999\n')
  })
})

describe('nobody finds it', { timeout: patienceMs }, () => {
  it('cancel: ends as a deadlock, neither silently nor never', async () => {
    const { code, stdout, stderr } = await random('cancel --workers 10')
    expect(code).toBe(2)
    expect(stdout).toBe('10 workers search for 62,707 among 0 … 99,999: 100 draws each, seed 1\n')
    expect(stderr).toBe(
      [
        '',
        'fatal error: all workers are asleep - deadlock!',
        '  main waits for an answer that nobody is left to give: the event loop is empty',
        '  10 of 10 workers asleep, their draws used up, after 1,000 draws in all',
        '  main then cancelled them: 10 of 10; ended by now: 10 of 10',
        '',
      ].join('\n'),
    )
  })

  it.each([
    ['deadline --workers 10 --draws 3 --in 500ms', 'until '],
    ['timeout --workers 10 --draws 3 --after 500ms', 'for 0.5 s at most'],
  ])('%s: the deadline is waited for, though all are asleep', async (line, announced) => {
    const { code, stdout, stderr } = await random(line)
    expect(code).toBe(1)
    expect(stdout).toContain(`\n${announced}`)
    expect(stderr).toMatch(/^\ncontext deadline exceeded: with(Deadline|Timeout)\(/)
    expect(stderr).toMatch(/\n {2}main was told [\d.]+ ms after that instant\n/)
    expect(stderr).toContain('10 of 10 workers asleep, 0 still searching, after 30 draws in all\n')
    expect(stderr).toContain('the end reached them: 10 of 10; ended by now: 10 of 10\n')
  })

  it('a deadline that passes before all have started', async () => {
    const { code, stderr } = await random('timeout --after 1ms')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^\ncontext deadline exceeded: withTimeout\(1ms\)/)
  })
})

describe.skipIf(process.platform === 'win32')('a signal', { timeout: patienceMs }, () => {
  const busy = '--find 5 --range 4294967296 --draws 1000000000'

  it.each([
    [`cancel --workers 100 ${busy}`, 'SIGINT', 130],
    ['deadline --workers 10 --draws 1 --in 10m', 'SIGINT', 130],
    [`timeout --workers 10000 ${busy} --after 10m`, 'SIGINT', 130],
    ['timeout --workers 10 --draws 1 --after 10m', 'SIGTERM', 143],
  ] as const)('random %s, %s', async (line, sent, exitCode) => {
    const { code, signal, stderr } = await random(line, (kill) => kill(sent))
    expect([code, signal]).toEqual([exitCode, null])
    expect(stderr).toMatch(new RegExp(`^\ncontext canceled: ${sent}\n`))
    expect(stderr).toMatch(/the end reached them: ([\d,]+) of \1; ended by now: \1 of \1\n$/)
  })
})

describe('the command line', { timeout: patienceMs }, () => {
  it.each([
    ['cancel --workers 0', '--workers takes a whole number from 1 to 1000000; got "0"'],
    ['cancel --wrokers 5', 'there is no option --wrokers; --help lists them'],
    [
      'timeout --after -5s',
      '--after takes a span of time such as 500ms, 5s or 2m, up to 24 hours; got "-5s"',
    ],
  ])('random %s is refused in one line', async (line, message) => {
    expect(await random(line)).toEqual({
      code: 64,
      signal: null,
      stdout: '',
      stderr: `random: ${message}\n`,
    })
  })

  it('--help', async () => {
    expect(await random('--help')).toEqual({ code: 0, signal: null, stdout: usage, stderr: '' })
  })
})
