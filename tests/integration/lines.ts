// The lines of Node that tests run programs on.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from './demo.ts'

const require = createRequire(join(root, 'tests/matrix/package.json'))

/** The binary of a line such as `node24`; undefined where it is not installed. */
export function binaryOf(line: string): string | undefined {
  try {
    return join(dirname(require.resolve(`${line}/package.json`)), 'bin/node')
  } catch {
    return undefined
  }
}
