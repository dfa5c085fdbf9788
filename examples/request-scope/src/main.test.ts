import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

// The program as it was built, as a process of its own.

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const patienceMs = 60_000

it('shows what each request saw, and ends by itself', { timeout: patienceMs }, async () => {
  const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>(
    (resolve) => {
      execFile(process.execPath, [program], { timeout: patienceMs / 2 }, (error, out, err) =>
        resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout: out, stderr: err }),
      )
    },
  )
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))

  const made = expect.stringMatching(/^[0-9a-f]{8}…$/)
  expect(lines).toContainEqual([
    'no headers',
    made,
    '127.0.0.1',
    made,
    '-',
    'en',
    'in 5 of 5 places',
    'nobody',
  ])
  expect(lines).toContainEqual([
    'a stranger’s headers',
    made,
    '127.0.0.1',
    made,
    '[redacted]',
    'de',
    'in 5 of 5 places',
    'ann',
  ])
  const ann = ['ann-1', '203.0.113.7', 'aaaaaaaa…', '[redacted]', 'de']
  const bob = ['bob-1', '198.51.100.9', 'bbbbbbbb…', '[redacted]', 'fr']
  expect(lines).toContainEqual(['from behind the edge', ...ann, 'in 5 of 5 places', 'ann'])
  for (const place of ['ctx', 'current()', 'current() after an await', 'current() in a bound listener']) {
    expect(lines).toContainEqual([place, ...ann])
    expect(lines).toContainEqual([place, ...bob])
  }
  expect(lines).toContainEqual(["'id'", '42', '42', 'TypeError: invoice.toLowerCase is not a function'])
  expect(lines).toContainEqual(["createKey('id')", "'INV-7'", '42', 'inv-7'])
  expect(stdout).not.toContain('secret-of')
})
