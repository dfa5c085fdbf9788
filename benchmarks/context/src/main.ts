/* The benchmark of contexts: `node dist/main.js --help`. */
import { benchmark } from './harness/benchmark.ts'
import { suite } from './suite.ts'

process.exitCode = await benchmark({
  suite,
  suiteUrl: new URL('./suite.js', import.meta.url),
  matrix: new URL('../../../tests/matrix/package.json', import.meta.url),
  argv: process.argv.slice(2),
})
