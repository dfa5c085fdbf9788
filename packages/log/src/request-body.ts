// The body of a request from anybody: read with a bound on bytes and on time, refused in every encoding that
// could hide its size, and never a reason for a 5xx.

import { clock } from '@kit/context'

/** A request that is refused, with the status that says why. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const MAX_BYTES = 4096
const TIMEOUT_MS = 5000

/** The body as text. Throws a `Refusal`: 413 above 4 KiB, 415 if encoded, 408 after 5 s, 400 if unreadable or not UTF-8. */
export async function readText(request: Request): Promise<string> {
  if (request.headers.has('content-encoding')) throw new Refusal(415, 'a content-encoding is not accepted')
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BYTES) throw tooLarge()
  if (request.body === null) return ''
  const bytes = await readBytes(request.body)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refusal(400, 'malformed request body: not UTF-8')
  }
}

/** JSON text as the object that it must be, in which no key stands twice. Throws a `Refusal` with status 400. */
export function parseObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Refusal(400, 'malformed request body: not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(400, 'malformed request body: not a JSON object')
  }
  // Readers of one text must not disagree about which of two members counts.
  if (hasRepeatedKey(text)) throw new Refusal(400, 'malformed request body: a key stands twice')
  // Own members only, so that no name can reach Object.prototype.
  return Object.assign(Object.create(null), value)
}

/** The named members of a form; what the body does not say, the query may. Throws a `Refusal` for one that is there twice. */
export function readForm(
  text: string,
  query: URLSearchParams,
  names: readonly string[],
): Record<string, unknown> {
  const form = new URLSearchParams(text)
  const members: Record<string, unknown> = Object.create(null)
  for (const name of names) {
    const values = form.has(name) ? form.getAll(name) : query.getAll(name)
    if (values.length > 1) throw new Refusal(400, `malformed request: ${name} is there twice`)
    if (values.length === 1) members[name] = values[0]
  }
  return members
}

/** Whether a key stands twice in one of the objects of a text that is known to be JSON. */
function hasRepeatedKey(text: string): boolean {
  const open: Set<unknown>[] = []
  // Sticky, and all of the text is taken: nothing is looked at twice.
  const tokens = text.matchAll(/("(?:[^"\\]|\\.)*")[ \t\n\r]*(:?)|[{}]|[^"{}]+/gy)
  for (const [token, quoted, colon] of tokens) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (quoted !== undefined && colon === ':') {
      const keys = open.at(-1)
      const name: unknown = JSON.parse(quoted)
      if (keys?.has(name) === true) return true
      keys?.add(name)
    }
  }
  return false
}

async function readBytes(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = openReader(body)
  let stop: ((reason: Refusal) => void) | undefined
  const timedOut = new Promise<never>((_resolve, reject) => {
    stop = reject
  })
  const timer = clock.setTimer(TIMEOUT_MS, () => stop?.(new Refusal(408, 'the body took too long')))
  try {
    return await Promise.race([collect(reader), timedOut])
  } catch (error) {
    reader.cancel().catch(() => undefined)
    throw error instanceof Refusal ? error : new Refusal(400, 'the request body cannot be read')
  } finally {
    timer.cancel()
  }
}

async function collect(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- chunks come one after the other
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks)
    size += value.byteLength
    if (size > MAX_BYTES) throw tooLarge()
    chunks.push(value)
  }
}

function openReader(body: ReadableStream<Uint8Array>): ReadableStreamDefaultReader<Uint8Array> {
  try {
    return body.getReader()
  } catch {
    throw new Refusal(400, 'the request body was already read')
  }
}

function tooLarge(): Refusal {
  return new Refusal(413, `the body has more than ${MAX_BYTES} bytes`)
}
