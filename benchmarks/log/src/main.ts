/* The benchmark of loggers: `node dist/main.js --help`. */
import { benchmark } from '@kit-benchmarks/context/harness/benchmark.js'
import { suite } from './suite.ts'
import { verdictsOn } from './targets.ts'

process.exitCode = await benchmark({
  suite,
  suiteUrl: new URL('./suite.js', import.meta.url),
  matrix: new URL('../../../tests/matrix/package.json', import.meta.url),
  argv: process.argv.slice(2),
  verdictsOn,
  rounds: 12,
})
