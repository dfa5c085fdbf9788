import { applicable } from '@kit/http/testing'
import { describe, it } from 'vitest'
import { suites } from './conformance.fixture.ts'

// Where the random cases are halved, these are too: each major is there still, and the routes are tested on all pairs.
const whole = Number(process.env['KIT_FUZZ_RUNS'] ?? 1) >= 1
const chosen = whole ? suites : suites.filter((_, index) => [0, 3, 5, 6, 8].includes(index))

describe.each(chosen.map(({ adapter, cases }) => [adapter, cases] as const))('%s', (_adapter, cases) => {
  it.each(applicable(cases))('%s', (_, run) => run())
})
