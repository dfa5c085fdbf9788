/* All groups of this benchmark. Every child process imports this; the libraries are loaded by the cases. */
import type { RetentionGroup } from '@kit-benchmarks/context/harness/suite.js'
import { createAndLog, createChild, createGrandchild, heapOfLoggers } from './groups/child.ts'
import { contextCost, contextFields, contextsInTurn } from './groups/context.ts'
import { depth } from './groups/depth.ts'
import { disabledMany, disabledOne } from './groups/disabled.ts'
import { children, errors, fields, grandchildren, messages, nested } from './groups/line.ts'
import { disabledBeside, recorded, recording } from './groups/recorder.ts'
import { relevel } from './groups/relevel.ts'
import { texts } from './groups/text.ts'
import type { LogGroup } from './suite-types.ts'

export const suite: {
  readonly title: string
  readonly groups: readonly LogGroup[]
  readonly retention: readonly RetentionGroup[]
} = {
  title: 'Loggers beside what people use instead',
  groups: [
    disabledOne,
    disabledMany,
    disabledBeside,
    ...messages,
    ...fields,
    ...nested,
    ...errors,
    ...children,
    ...grandchildren,
    depth,
    createChild,
    createGrandchild,
    createAndLog,
    ...contextFields,
    contextCost,
    contextsInTurn,
    recorded,
    recording,
    ...texts,
    relevel,
  ],
  retention: [heapOfLoggers],
}
