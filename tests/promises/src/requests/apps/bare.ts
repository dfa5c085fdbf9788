/** A service without kit, for what Node does by itself. What waits for its end here waits for that of its connection. */

import type { RequestListener } from 'node:http'
import { item } from './handlers.ts'

/** The service. It has the routes that clients of a soak ask for. */
export function bareApp(): RequestListener {
  return (req, res) => {
    const [, kind, id = ''] = (req.url ?? '').split('/')
    if (kind === 'whole') {
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify(item(id)))
    } else if (kind === 'streamed') {
      res.write('one')
      res.end('two')
    } else if (kind === 'failed') {
      res.statusCode = 500
      res.end('failed')
    } else if (kind === 'begun') {
      res.write('one')
    }
  }
}
