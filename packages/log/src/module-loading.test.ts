import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const log = fileURLToPath(new URL('../dist/index.js', import.meta.url))

it('leaves the module loader as it was, where standard output is a pipe', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kit-log-'))
  try {
    mkdirSync(join(folder, 'real'))
    writeFileSync(join(folder, 'real/module.cjs'), 'console.log(__filename)')
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    writeFileSync(
      join(folder, 'program.cjs'),
      `import(${JSON.stringify(pathToFileURL(log).href)}).then(({ createLogger }) => {
         createLogger()
         require('./link/module.cjs')
       })`,
    )
    // A pipe, which is not what Node gives a child.
    const command = `"$0" "$1" | cat`
    const args = ['-c', command, process.execPath, join(folder, 'program.cjs')]
    const said = execFileSync('sh', args, { encoding: 'utf8' })
    expect(said.trim().endsWith(join('real', 'module.cjs'))).toBe(true)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
