// What a fresh checkout needs before its first command, and one clear line for each thing that can be missing.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Ends the process with one line when this Node is too old for the kit. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`kit needs Node 20.19 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

const networkError =
  /ERR_PNPM_\w*(FETCH|NETWORK)|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|error sending request/

/**
 * Installs what the lock file says, of the whole workspace or as the options of pnpm narrow it; shows how it goes.
 * Resolves with an exit code.
 */
export async function install(...options) {
  // The age of releases is a question when versions are chosen; the lock file has chosen them.
  const locked = ['--frozen-lockfile', '--config.minimumReleaseAge=0']
  let { code, output } = await pnpmInstall(...options, ...locked)
  if (code !== 0 && output.includes('OUTDATED_LOCKFILE') && !process.env.CI) {
    ;({ code, output } = await pnpmInstall(...options))
  }
  clearProgress()
  if (code === 0) return 0
  console.error(
    networkError.test(output)
      ? 'The npm registry cannot be reached, so nothing can be installed: check the connection, or the registry in .npmrc, and try again.'
      : `pnpm install failed:\n${output.split('\n').slice(-25).join('\n')}`,
  )
  return 1
}

function pnpmInstall(...options) {
  const [command, ...first] = pnpm()
  return run(command, [...first, 'install', '--reporter=append-only', ...options], progress)
}

/** Runs a command in the checkout. Resolves with its exit code and everything that it printed, line by line. */
export function run(command, args, onLine = () => {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output += `${line}\n`
        onLine(line.trim())
      })
    }
    child.on('error', (error) => resolve({ code: 1, output: String(error) }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** The pnpm that runs this script, or the way to get one. */
function pnpm() {
  const path = process.env.npm_execpath ?? ''
  return /pnpm(\.exe)?$/.test(path) ? [path] : ['npx', '-y', 'pnpm@12']
}

let shown = ''

/** One line that changes in a terminal; elsewhere a line whenever something else is going on. */
function progress(line) {
  if (!/^(Progress|Packages|Downloading|Already up to date|Done in)/.test(line)) return
  if (process.stdout.isTTY) {
    process.stdout.write(`\r\u001b[K  ${line.slice(0, process.stdout.columns - 4)}`)
  } else {
    const step = line.replace(/[\d.]+/g, '')
    if (step !== shown && !line.startsWith('Downloading')) console.log(`  ${line}`)
    shown = step
  }
}

function clearProgress() {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
}
