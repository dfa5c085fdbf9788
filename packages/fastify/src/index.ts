export { kit } from './fastify.ts'
