/* All groups of this benchmark. Every child process imports this; the libraries are loaded by the cases. */
import { ambient, ambientAcrossAwait, ambientRead } from './groups/ambient.ts'
import { derive } from './groups/derive.ts'
import { checkCanceled, commonParentCancel, deepValues, cancelChain } from './groups/go.ts'
import { limitOfMicrotask, limitOfTurn } from './groups/limit.ts'
import { expiredLimit } from './groups/limit-expired.ts'
import { observing } from './groups/observe.ts'
import { racing } from './groups/race.ts'
import { keptByKit, keptByRivals } from './groups/retention.ts'
import { sleeping } from './groups/sleep.ts'
import { timeout, timeoutAmongTimers, timeoutWithListener, timeoutWithSignal } from './groups/timeout.ts'
import { trees } from './groups/tree.ts'
import { value } from './groups/value.ts'
import type { Suite } from './harness/suite.ts'

export const suite: Suite = {
  title: 'Contexts beside what people use instead',
  groups: [
    derive,
    timeout,
    timeoutAmongTimers,
    timeoutWithSignal,
    timeoutWithListener,
    value,
    ambient,
    ambientRead,
    ambientAcrossAwait,
    limitOfMicrotask,
    limitOfTurn,
    expiredLimit,
    ...observing,
    ...racing,
    sleeping,
    ...trees,
    commonParentCancel,
    checkCanceled,
    ...deepValues,
    cancelChain,
  ],
  retention: [keptByKit, keptByRivals],
}
