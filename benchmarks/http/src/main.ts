/* The benchmark of requests: `node dist/main.js --help`. */
import { benchmark } from './benchmark.ts'

process.exitCode = await benchmark(process.argv.slice(2))
