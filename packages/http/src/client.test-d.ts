import http from 'node:http'
import https from 'node:https'
import { Agent, Pool } from 'undici'
import { Agent as Agent6 } from 'undici6'
import { expectTypeOf } from 'vitest'
import { observeClient, observeDispatcher, observeRequest } from './client.ts'

expectTypeOf(observeClient()).toEqualTypeOf<typeof fetch>()
expectTypeOf(observeRequest(http.request)).toEqualTypeOf<typeof http.request>()
expectTypeOf(observeRequest(https.get)).toEqualTypeOf<typeof https.get>()
// @ts-expect-error -- makes no request
observeRequest((url: string) => url)

new Agent().compose(observeDispatcher())
new Pool('http://localhost').compose([observeDispatcher({ propagate: (url) => url.hostname === 'a' })])
new Agent6().compose(observeDispatcher())
// @ts-expect-error -- a misspelt option
observeDispatcher({ propagates: () => true })
