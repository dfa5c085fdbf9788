// All that logging keeps of a request in its context, for those who handle requests: its facts, its event and its fields, in
// one derivation instead of three.

import { values } from '@kit/context'
import type { Values } from '@kit/context'
import { contextKey } from './context-fields.ts'
import { eventKey } from './event.ts'
import { noFields } from './encode/fields.ts'
import { requestKey } from './request-facts.ts'
import type { RequestFacts } from './request-facts.ts'

/**
 * The values of a context in which a request begins: what `withRequest`, `withEvent` and `withFields` would add to
 * `background`, for `withValues`. `fields` are taken as they are: plain texts under fixed names that nobody changes.
 */
export function requestValues(
  facts: RequestFacts,
  fields: Readonly<Record<string, string>>,
  rest?: Values,
): Values {
  const known = values(requestKey(), { facts, outer: undefined, user: undefined }, rest)
  const begun = values(eventKey(), { values: undefined }, known)
  return values(contextKey(), { values: fields, encoder: undefined, encoded: noFields }, begun)
}
