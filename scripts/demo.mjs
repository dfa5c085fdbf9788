// `pnpm demo`: installs and builds what the shop needs, and nothing else, then runs it.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { checkNode, install, root, run } from './setup.mjs'

const startedAt = Date.now()
const shop = `${root}examples/shop`

// A checkout that has the development tools keeps them.
const scope = existsSync(`${root}node_modules/vitest`) ? [] : ['--prod']

checkNode()
await step('installing what the demo needs', () => install('--filter', '@kit-examples/shop...', ...scope))
await step('building', async () => {
  const tsc = createRequire(`${root}package.json`)
    .resolve('typescript/package.json')
    .replace('package.json', 'bin/tsc')
  const { code, output } = await run(process.execPath, [tsc, '-b', shop])
  if (code !== 0) console.error(output)
  return code
})

const demo = spawn(process.execPath, [`${shop}/dist/main.js`, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, KIT_DEMO_STARTED_AT: String(startedAt) },
})
// Ctrl-C and SIGTERM end the demo, which then reports; this process only waits for its verdict.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => demo.kill('SIGTERM'))
demo.on('close', (code) => process.exit(code ?? 1))

async function step(what, work) {
  const since = Date.now()
  console.log(`${what} …`)
  if ((await work()) !== 0) process.exit(1)
  console.log(`${what}: ${((Date.now() - since) / 1000).toFixed(1)} s`)
}
