// Removes everything that was built. Output and build information go together: one without the other misleads tsc.

import { existsSync, readdirSync, rmSync } from 'node:fs'
import { root } from './setup.mjs'

for (const group of ['packages', 'examples', 'tests', 'benchmarks']) {
  if (!existsSync(root + group)) continue
  for (const name of readdirSync(root + group)) {
    for (const made of ['dist', '.turbo', '.generated']) {
      rmSync(`${root}${group}/${name}/${made}`, { recursive: true, force: true })
    }
  }
}
for (const made of ['.turbo', '.reports', '.packed']) rmSync(root + made, { recursive: true, force: true })
