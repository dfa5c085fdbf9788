// What a fresh checkout needs before its first command, and one clear line for each thing that can be missing.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Ends the process with one line when this Node is too old for the kit. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`kit needs Node 20.19 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

/** Installs the workspace, or the part that the filters name; shows how it goes. Resolves with an exit code. */
export async function install(filters = []) {
  const args = [...filters.flatMap((filter) => ['--filter', filter]), 'install', '--reporter=append-only']
  const { code, output } = await run(pnpm(), args, { onLine: progress })
  clearProgress()
  if (code === 0) return 0
  if (
    /ERR_PNPM_\w*(FETCH|NETWORK)|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|error sending request/.test(
      output,
    )
  ) {
    console.error(
      'The npm registry cannot be reached, so nothing can be installed: check the connection, or the registry in .npmrc, and try again.',
    )
  } else {
    console.error(`pnpm install failed:\n${output.split('\n').slice(-25).join('\n')}`)
  }
  return 1
}

/** Runs a command in the checkout. Resolves with its exit code and everything it printed. */
export function run(command, args, { onLine } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const take = (chunk) => {
      output += chunk
      for (const line of String(chunk).split('\n')) if (line.trim() !== '') onLine?.(line.trim())
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => resolve({ code: 1, output: String(error) }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** The pnpm that runs this script; it may be a binary or a script of its own. */
function pnpm() {
  const path = process.env.npm_execpath ?? ''
  return /pnpm(\.exe)?$/.test(path) ? path : 'pnpm'
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
