/**
 * The methods that are told apart in labels. A client can invent as many as it likes, so all but a known few are
 * `_OTHER` (https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/, `http.request.method`).
 */

/** A method as a label value: bounded, however inventive the client is. */
export type MethodLabel = (method: string) => string

/** The methods of RFC 9110, RFC 5789 and the QUERY draft; OpenTelemetry calls the rest `_OTHER`. */
const defaultMethods: readonly string[] = [
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]

/** RFC 9110, section 5.6.2: what no parser lets through as a method needs no label. */
const token = /^[\w!#$%&'*+.^`|~-]{1,64}$/

/**
 * The labels of a server's requests. `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, a list with commas, takes the place of the
 * whole default list, as the conventions have it: case counts, entries that can be no method are left out, and a list without
 * entries is none. The environment is read here and not again.
 */
export function methodLabels(env: NodeJS.ProcessEnv = process.env): MethodLabel {
  const known = knownMethods(env)
  return (method) => (known.has(method) ? method : '_OTHER')
}

/** The labels of calls: clients write `get` where GET is sent, so the upper-case spelling counts too. Never throws. */
export function callMethodLabels(env: NodeJS.ProcessEnv = process.env): (method: unknown) => string {
  const known = knownMethods(env)
  return (method) => {
    if (typeof method !== 'string') return '_OTHER' // the platform will complain of it
    if (known.has(method)) return method
    const upper = method.toUpperCase()
    return known.has(upper) ? upper : '_OTHER'
  }
}

function knownMethods(env: NodeJS.ProcessEnv): ReadonlySet<string> {
  const listed = (env['OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS'] ?? '')
    .split(',')
    .map((method) => method.trim())
    .filter((method) => token.test(method))
  return new Set(listed.length > 0 ? listed : defaultMethods)
}
