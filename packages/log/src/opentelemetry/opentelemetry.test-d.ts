import type { LoggerProvider as ApiLoggerProvider } from '@opentelemetry/api-logs'
import type { LoggerProvider } from '@opentelemetry/sdk-logs'
import { expectTypeOf } from 'vitest'
import { createLogger } from '../index.ts'
import type { LineRecord, RecordReceiver } from '../index.ts'
import { openTelemetryLogs } from './index.ts'

declare const provider: LoggerProvider
declare const apiProvider: ApiLoggerProvider

expectTypeOf(openTelemetryLogs({ provider })).toEqualTypeOf<RecordReceiver>()
createLogger({ records: openTelemetryLogs({ provider: apiProvider, scope: 'shop' }) })
createLogger({ records: [openTelemetryLogs(), { receive: (record: LineRecord) => void record.fields }] })

// @ts-expect-error -- no provider
openTelemetryLogs({ provider: {} })
// @ts-expect-error -- no receiver
createLogger({ records: { write() {} } })
