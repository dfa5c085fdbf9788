/* All groups of this benchmark. Every child process imports this; the libraries are loaded by the cases. */
import type { Suite } from '@kit-benchmarks/context/harness/suite.js'
import { async, spans, sync, untimed } from './groups/calls.ts'
import type { WrapperGroup } from './targets.ts'

export const suite: Suite<WrapperGroup> = {
  title: 'Wrapped functions beside what people use instead',
  groups: [sync, async, untimed, spans],
  retention: [],
}
