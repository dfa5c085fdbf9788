import { applicable } from '@kit/http/testing'
import { describe, it } from 'vitest'
import { suites } from './conformance.fixture.ts'

describe.each(suites.map(({ adapter, cases }) => [adapter, cases] as const))('%s', (_adapter, cases) => {
  it.each(applicable(cases))('%s', (_, run) => run())
})
