export { bind, current, run } from './ambient.ts'
export type { Clock, Timer, TimerOptions } from './clock.ts'
export { clock } from './clock.ts'
export type { CancelContext, Context } from './context.ts'
export type { ContextErrorCode } from './errors.ts'
export {
  CanceledError,
  ContextError,
  DeadlineExceededError,
  isCanceled,
  isDeadlineExceeded,
} from './errors.ts'
export type { Group, GroupOptions } from './group.ts'
export { group } from './group.ts'
export type { Key } from './key.ts'
export { createKey } from './key.ts'
export { background, isContext, todo } from './context-node.ts'
export { notify } from './notify.ts'
export { race, sleep } from './wait.ts'
export type { Values } from './values.ts'
export { values, withValues } from './values.ts'
