/** A fetch-style service, on kit's own bridge to Node's server. */

import type { RequestListener } from 'node:http'
import { current } from '@kit/context'
import type { HttpOptions } from '@kit/http'
import { toNodeListener } from '@kit/http/endpoints'
import { observeFetch } from '@kit/http/fetch'
import { begun, ended, heavy, item, parts, stream, templateOf } from './handlers.ts'

/** The service. */
export function fetchApp(options?: HttpOptions): RequestListener {
  const handler = async (request: Request): Promise<Response> => {
    const [, kind, id = ''] = new URL(request.url).pathname.split('/')
    if (kind === 'whole') return Response.json(item(id))
    if (kind === 'heavy') return new Response(heavy)
    if (kind === 'streamed') return new Response(stream(['one', 'two']))
    if (kind === 'failed') return new Response('failed', { status: 500 })
    if (kind === 'begun') return new Response(stream(begun(current())))
    if (kind === 'large') return new Response(stream(parts()))
    if (kind === 'read') return Response.json((await request.arrayBuffer()).byteLength)
    if (kind === 'unanswered') await ended(current())
    return new Response('no such thing', { status: 404 })
  }
  const route = (request: Request): string | undefined => templateOf(new URL(request.url).pathname)
  return toNodeListener(observeFetch(handler, { ...options, route }))
}
