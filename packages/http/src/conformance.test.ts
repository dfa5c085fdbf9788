import { describe, it } from 'vitest'
import { suites as fetchSuites } from './fetch-conformance.fixture.ts'
import { suites as nodeSuites } from './node-conformance.fixture.ts'
import { applicable } from './testing/index.ts'

const suites = [...nodeSuites, ...fetchSuites]

describe.each(suites.map(({ adapter, cases }) => [adapter, cases] as const))('%s', (_adapter, cases) => {
  it.each(applicable(cases))('%s', (_, run) => run())
})
