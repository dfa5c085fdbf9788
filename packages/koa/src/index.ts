export { kit } from './koa.ts'
export type { KitState, KoaContext, KoaMiddleware } from './koa.ts'
