/** The check on what was seen: wherever the code went on, it must have seen its own request and no other. */

import type { Place } from './orders/repository.ts'
import type { OrderList } from './orders/service.ts'
import type { Claims } from './probes.ts'
import { believed } from './probes.ts'

/** What was seen of another request, or not seen at all: nothing, if all is well. */
export function leaks(list: OrderList, claims: Claims): string[] {
  const expected = Object.entries(believed(claims))
  const found: string[] = []
  if (list.customer !== claims.customer) found.push(`${claims.customer} got the orders of ${list.customer}`)
  for (const [place, sighting] of Object.entries(list.seen)) {
    // It sees the request that emits: that is how events work, and what this program is to show.
    if (place === ('plain listener' satisfies Place)) continue
    for (const [name, value] of expected) {
      const seen = sighting[name as keyof typeof sighting]
      if (seen !== value) found.push(`${claims.requestId}, ${place}: ${name} was ${seen} instead of ${value}`)
    }
  }
  return found
}
