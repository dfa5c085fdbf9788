// Packs every package as it would be published and looks at the tarball as its users would: publint for what a
// package must be, attw for types that resolve, and a first import and require of every entry point.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.mjs'

const packed = join(root, '.packed')
rmSync(packed, { recursive: true, force: true })
mkdirSync(packed)

const manifests = readdirSync(join(root, 'packages')).map((name) =>
  JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')),
)
let passed = 0
let failed = 0

for (const { name } of manifests) {
  const folder = join(root, 'packages', name.replace('@kit/', ''))
  check(`${name}: packs`, pnpm(), ['pack', '--pack-destination', packed], folder)
  const tarball = join(
    packed,
    readdirSync(packed).find((file) => file.startsWith(name.replace('@', '').replace('/', '-'))),
  )
  check(`${name}: publint`, bin('publint'), ['run', '--strict', tarball], root)
  check(`${name}: attw`, bin('attw'), [tarball, '--profile', 'esm-only', '--no-emoji'], root)
}
checkInstalled()
writeFileSync(
  join(root, '.reports/packages.json'),
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed }),
)
process.exit(failed === 0 ? 0 : 1)

/** Installs the tarballs in a folder of their own and loads every entry point both ways. */
function checkInstalled() {
  const consumer = mkdtempSync(join(tmpdir(), 'kit-consumer-'))
  const tarballs = readdirSync(packed).map((file) => join(packed, file))
  writeFileSync(join(consumer, 'package.json'), '{"private":true}')
  // npm installs peers by itself, but not those that are optional: whoever uses their entry points brings them.
  const optional = manifests.flatMap(({ peerDependencies = {}, peerDependenciesMeta = {} }) =>
    Object.keys(peerDependenciesMeta).map((peer) => `${peer}@${peerDependencies[peer]}`),
  )
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
  args.push(...tarballs, ...optional)
  check('the tarballs install together', 'npm', args, consumer)
  for (const { name, exports } of manifests) {
    for (const path of Object.keys(exports)) {
      if (path.endsWith('.json')) continue
      const entry = name + path.slice(1)
      const code = `import('${entry}').then((m) => { if (Object.keys(m).length === 0) throw new Error('exports nothing') })`
      check(`${entry}: import`, process.execPath, ['-e', code], consumer)
      check(`${entry}: require`, process.execPath, ['-e', `require('${entry}')`], consumer)
    }
  }
  rmSync(consumer, { recursive: true, force: true })
}

function check(what, command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) {
    passed += 1
    return
  }
  failed += 1
  console.error(`FAILED ${what}\n${stdout}${stderr}`)
}

function bin(name) {
  return join(root, 'node_modules/.bin', name)
}

function pnpm() {
  return process.env.npm_execpath?.includes('pnpm') ? process.env.npm_execpath : 'pnpm'
}
