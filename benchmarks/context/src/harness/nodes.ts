/*
 * The binaries of Node to measure on: given by path, or by release line through the packages `node20`, `node22`, … that
 * a private workspace package depends on.
 */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { BadArgument } from './args.ts'

/** A binary of Node. */
export interface NodeBinary {
  readonly path: string
  /** Such as `24.21.0`. */
  readonly version: string
  readonly major: number
}

/** The binaries that were asked for, in order: paths, then lines; else the one that runs this. Throws BadArgument. */
export function findNodes(paths: readonly string[], lines: readonly string[], matrix: URL): NodeBinary[] {
  const wanted = [...paths, ...lines.map((line) => pathOfLine(line, matrix))]
  return (wanted.length > 0 ? wanted : [process.execPath]).map(inspect)
}

function pathOfLine(line: string, matrix: URL): string {
  try {
    return join(dirname(createRequire(matrix).resolve(`node${line}/package.json`)), 'bin/node')
  } catch {
    throw new BadArgument(`--line ${line}: no binary of this line is installed; give its path with --node.`)
  }
}

function inspect(path: string): NodeBinary {
  try {
    const version = execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
    const major = Number.parseInt(version, 10)
    if (Number.isNaN(major)) throw new Error(`it answers "${version}"`)
    return { path, version, major }
  } catch (error) {
    throw new BadArgument(`--node ${path} is no Node that runs: ${(error as Error).message.split('\n')[0]}`)
  }
}
