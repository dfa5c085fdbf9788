import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSecureServer, createServer as createHttp2Server } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { expectTypeOf } from 'vitest'
import { observeListener } from './node.ts'

// The server that it is given to says what a request is.
createServer(
  observeListener((req, res) => {
    expectTypeOf(req).toEqualTypeOf<IncomingMessage>()
    expectTypeOf(res).toExtend<ServerResponse>()
  }),
)
createHttpsServer(
  {},
  observeListener((req, res) => res.end(req.httpVersion)),
)
createHttp2Server(
  observeListener((req, res) => {
    expectTypeOf(req).toEqualTypeOf<Http2ServerRequest>()
    expectTypeOf(res).toEqualTypeOf<Http2ServerResponse>()
  }),
)
// Its types do not tell what a request is before they know the listener.
createSecureServer(
  {},
  observeListener((req: Http2ServerRequest, res: Http2ServerResponse) => void res.end(req.scheme)),
)

// Without one, a request is that of HTTP/1.
const alone = observeListener((req, res) => res.end(req.url))
expectTypeOf(alone).toEqualTypeOf<(req: IncomingMessage, res: ServerResponse) => void>()

const annotated = observeListener((req: Http2ServerRequest, res: Http2ServerResponse) => res.end(req.url))
expectTypeOf(annotated).toEqualTypeOf<(req: Http2ServerRequest, res: Http2ServerResponse) => void>()

// @ts-expect-error -- a listener of HTTP/2 is none of HTTP/1
createServer(annotated)
