export { kit } from './express.ts'
export type { ExpressMiddleware } from './express.ts'
