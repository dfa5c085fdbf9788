/** A service on Node's own servers. */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { current } from '@kit/context'
import type { HttpOptions } from '@kit/http'
import { observeListener } from '@kit/http/node'
import { ended, heavy, item, lengthOf, nothing, parts, templateOf } from './handlers.ts'

/** The service. */
export function nodeApp(options?: HttpOptions): RequestListener {
  const listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const [, kind, id = ''] = (req.url ?? '').split('/')
    if (kind === 'whole') {
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify(item(id)))
    } else if (kind === 'heavy') {
      res.end(heavy)
    } else if (kind === 'streamed') {
      res.write('one')
      res.end('two')
    } else if (kind === 'failed') {
      res.statusCode = 500
      res.end('failed')
    } else if (kind === 'unanswered') {
      await ended(current())
    } else if (kind === 'begun') {
      res.write('one')
      await ended(current())
    } else if (kind === 'large') {
      await pipeline(Readable.from(parts()), res).catch(nothing)
    } else if (kind === 'read') {
      const length = await lengthOf(req).catch(nothing)
      res.end(String(length))
    } else {
      res.statusCode = 404
      res.end()
    }
  }
  const route = (req: { url?: string | undefined }): string | undefined => templateOf(req.url ?? '')
  return observeListener(listener, { ...options, route })
}
