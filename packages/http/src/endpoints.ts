/**
 * The endpoints of a service as fetch-style handlers, and the server that shows them apart from the
 * application's port.
 */

export { adminServer } from './admin-server.ts'
export type { AdminServer, AdminServerOptions } from './admin-server.ts'
export { toNodeListener } from './bridge.ts'
export type { FetchHandler } from './bridge.ts'
export { healthEndpoint } from './health.ts'
export type { HealthCheck, HealthChecks, HealthOptions } from './health.ts'
export { levelEndpoint, metricsEndpoint } from './readings.ts'
