/**
 * Calls that obey the context, whichever client makes them: what is left of the deadline, the request id and the trace
 * travel along, the call ends with the context, body included, and is measured.
 */

export { observeDispatcher } from './client-dispatcher.ts'
export type { Dispatch, DispatchHandler, DispatchOptions } from './client-dispatcher.ts'
export { observeClient } from './client-fetch.ts'
export type { ClientOptions } from './client-options.ts'
export { observeRequest } from './client-request.ts'
export type { MakeRequest } from './client-request.ts'
