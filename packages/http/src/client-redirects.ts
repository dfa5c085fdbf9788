/**
 * Redirects of `fetch`, followed hop by hop so that each host gets headers of its own: by the Fetch Standard, "HTTP-redirect
 * fetch" (https://fetch.spec.whatwg.org/#http-redirect-fetch).
 */

export type Fetch = typeof globalThis.fetch

/** One request of the chain. */
interface Hop {
  readonly input: string | URL | Request
  readonly url: URL
  readonly init: RequestInit
  readonly method: string
  readonly headers: Headers
}

/** As many as the standard allows. */
const mostRedirects = 20
const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const ofTheBody = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]
const ofTheOrigin = ['authorization', 'proxy-authorization', 'cookie', 'host']

/**
 * Fetches `input`, following redirects. `headers` are those of the caller; `headersOf` makes of them what is sent to
 * one URL.
 */
export async function fetchFollowing(
  fetch: Fetch,
  input: string | URL | Request,
  init: RequestInit,
  headers: Headers,
  headersOf: (url: URL, headers: Headers) => Headers,
): Promise<Response> {
  const [address, ownMethod] =
    typeof input === 'object' && 'url' in input ? [input.url, input.method] : [input, 'GET']
  const url = new URL(address)
  const method = init.method ?? ownMethod
  let hop: Hop = { input, url, init, method, headers }
  for (let redirects = 0; ; redirects += 1) {
    const response = await fetch(hop.input, {
      ...hop.init,
      headers: headersOf(hop.url, hop.headers),
      redirect: 'manual',
    })
    const location = statuses.has(response.status) ? response.headers.get('location') : null
    if (location === null) return redirects === 0 ? response : redirected(response)
    await response.body?.cancel()
    if (redirects === mostRedirects) throw failure(`more than ${mostRedirects} redirects`)
    hop = next(hop, response.status, location)
  }
}

function next(hop: Hop, status: number, location: string): Hop {
  const url = target(location, hop.url)
  const { method } = hop
  const headers = new Headers(hop.headers)
  let init = initOf(hop)
  const toGet =
    status === 303
      ? !/^(GET|HEAD)$/i.test(method)
      : (status === 301 || status === 302) && /^POST$/i.test(method)
  if (toGet) {
    init = { ...init, method: 'GET', body: null }
    for (const name of ofTheBody) headers.delete(name)
  } else if (!canBeSentAgain(hop)) {
    throw failure(
      'a body that is a stream, or that of a Request, cannot be sent again to where it was redirected',
    )
  }
  if (url.origin !== hop.url.origin) for (const name of ofTheOrigin) headers.delete(name)
  return { input: url, url, init, method: toGet ? 'GET' : method, headers }
}

function target(location: string, base: URL): URL {
  let url: URL
  try {
    // Bytes beyond ASCII are UTF-8, and stand in a header value as one character each.
    url = new URL(Buffer.from(location, 'latin1').toString(), base)
  } catch (error) {
    throw failure('the address of a redirect is no URL', error)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw failure('a redirect leads away from HTTP')
  if (url.hash === '') url.hash = base.hash
  return url
}

/** What a Request says beside its address, headers and body, since it cannot be given another address. */
function initOf({ input, init, method }: Hop): RequestInit {
  if (typeof input === 'string' || !('url' in input)) return { ...init, method }
  const { credentials, integrity, keepalive, referrerPolicy } = input
  return { credentials, integrity, keepalive, referrerPolicy, ...init, method }
}

function canBeSentAgain({ input, init }: Hop): boolean {
  const { body } = init
  if (body === undefined) return typeof input === 'string' || !('body' in input) || input.body === null
  return (
    body === null ||
    typeof body === 'string' ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    body instanceof FormData ||
    body instanceof URLSearchParams
  )
}

function redirected(response: Response): Response {
  return Object.defineProperty(response, 'redirected', { value: true, configurable: true })
}

/** As fetch itself fails. */
function failure(message: string, cause?: unknown): TypeError {
  return new TypeError('fetch failed', { cause: new Error(message, { cause }) })
}
