// What OpenTelemetry keeps for the whole process, found without importing it. Its APIs anchor themselves on these symbols
// so that their copies and versions meet, and so does this.

import type { OtelContext, OtelLoggerProvider } from './types.ts'

/** `@opentelemetry/api`; from 1.10 on it has the logs too. */
const api = Symbol.for('opentelemetry.js.api.1')
/** `@opentelemetry/api-logs`. */
const logsApi = Symbol.for('io.opentelemetry.js.api.logs')
/** The version of that API's contract that is understood here. */
const LOGS_VERSION = 1

interface Anchors {
  [api]?: { readonly logs?: OtelLoggerProvider; readonly context?: { active(): OtelContext } }
  [logsApi]?: (version: number) => OtelLoggerProvider
}

const anchors: typeof globalThis & Anchors = globalThis

/** The provider that `logs.setGlobalLoggerProvider` was given, of either API. */
export function globalProvider(): OtelLoggerProvider | undefined {
  return anchors[api]?.logs ?? anchors[logsApi]?.(LOGS_VERSION)
}

/** The context that OpenTelemetry's own context manager has active. */
export function activeContext(): OtelContext | undefined {
  return anchors[api]?.context?.active()
}
