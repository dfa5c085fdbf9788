// Structured logs with levels that change while the process runs.

export { createLogger, defaultLogger } from './create-logger.ts'
export type { AsyncOptions, LoggerOptions } from './create-logger.ts'
export type { AuditRecord, LevelAudit, OverrideAudit } from './audit.ts'
export type { RequestCondition } from './condition.ts'
export { withFields } from './context-fields.ts'
export type { Destination } from './destination.ts'
export { annotate, eventFields, withEvent } from './event.ts'
export { LogError } from './errors.ts'
export type { LogErrorCode } from './errors.ts'
export type { Level, LineLevel } from './level.ts'
export { levelHandler } from './level-handler.ts'
export type { LevelHandlerOptions } from './level-handler.ts'
export type { LevelCarrier, LevelOperation, Place } from './level-operation.ts'
export type {
  Change,
  LevelSetting,
  LevelState,
  LevelTree,
  NamedLevelState,
  SetLevelOptions,
} from './levels.ts'
export type { Logger, LogMethod } from './logger.ts'
export type { Override, OverrideOptions, OverrideState } from './override.ts'
export type { Recording, RecordOptions } from './recorder.ts'
export type { DumpResult } from './recordings.ts'
export type { LineRecord, RecordReceiver } from './records.ts'
export { recurringLine } from './recurring-line.ts'
export type { RecurringLine, RecurringLineOptions } from './recurring-line.ts'
export { setUser, withRequest } from './request-facts.ts'
export type { RequestFacts } from './request-facts.ts'
export { requestValues } from './request-values.ts'
export type { RedactOptions } from './redact.ts'
export type { RepeatOptions } from './repeats.ts'
export type { SamplingOptions } from './sampling.ts'
export { commonSecrets, defaultRedactedKeys } from './secrets.ts'
export { logStats } from './stats.ts'
export type { LogCounts, LogStats } from './stats.ts'
