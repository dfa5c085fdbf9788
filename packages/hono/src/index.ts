export { kit } from './hono.ts'
export type { KitVariables } from './hono.ts'
