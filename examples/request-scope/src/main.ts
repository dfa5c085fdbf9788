/**
 * Serves orders, asks for them in several ways, and prints what the lowest layer saw of each request; then shows what
 * would have become of the values under untyped keys. Ends with exit code 1 if a request saw anything of another.
 */

import { readings } from './collision/collision.ts'
import { leaks } from './leaks.ts'
import { behindTheEdge, open, serveOrders } from './orders/server.ts'
import { ann, ask, bob } from './probes.ts'
import { collisionView, placesView, requestsView } from './show.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  await using strangers = await serveOrders(open)
  await using edge = await serveOrders(behindTheEdge)

  const bare = await ask(`${strangers.url}/orders`)
  const doubted = await ask(`${strangers.url}/orders`, ann)
  const trusted = await ask(`${edge.url}/orders`, ann)
  const [anns, bobs] = await Promise.all([ask(`${edge.url}/pair`, ann), ask(`${edge.url}/pair`, bob)])

  const paragraphs = [
    'What the handler sees of a request, three layers down',
    requestsView([
      ['no headers', bare],
      ['a stranger’s headers', doubted],
      ['from behind the edge', trusted],
    ]),
    'Two requests that meet half-way: ann …',
    placesView(anns),
    '… and bob. A plain listener sees whoever emits, so one of the two saw the other.',
    placesView(bobs),
    "Two packages that call their value 'id': invoices stores 'INV-7', then parcels stores 42",
    collisionView(readings()),
  ]
  process.stdout.write(paragraphs.join('\n'))

  const found = [...leaks(trusted, ann), ...leaks(anns, ann), ...leaks(bobs, bob)]
  for (const leak of found) process.stderr.write(`leak: ${leak}\n`)
  return found.length === 0 ? 0 : 1
}
