/** A client that writes to a connection what it is told to, byte by byte, and shows what came back. */

import { connect } from 'node:net'

/** What came back, as it stood on the wire. */
export interface Answer {
  /** 0 when there was none. */
  readonly status: number
  /** Names in lower case; of a header that came twice, both values with a line feed between. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/**
 * Writes bytes (a character each) to a connection of its own, ends this side, and resolves with all that came back until
 * the other side was closed too.
 */
export function say(port: number, bytes: string, host = '127.0.0.1'): Promise<string> {
  return exchange(port, bytes, host, 0)
}

/**
 * The same, but this side stays open until the other has closed, or for a second: to Node a client that has ended its side
 * while nothing was answered has left.
 */
export function sayAndWait(port: number, bytes: string, host = '127.0.0.1'): Promise<string> {
  return exchange(port, bytes, host, 1_000)
}

function exchange(port: number, bytes: string, host: string, patienceMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port, host, allowHalfOpen: true })
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => resolve(text))
    if (patienceMs === 0) {
      socket.end(bytes, 'latin1')
      return
    }
    const timer = setTimeout(() => socket.end(), patienceMs)
    socket.on('close', () => clearTimeout(timer))
    socket.write(bytes, 'latin1')
  })
}

/** Sends one request with these lines of headers, as they are, beside `Host` and `Connection: close`; `waits` as {@link sayAndWait}. */
export async function ask(
  port: number,
  start: string,
  lines: readonly string[] = [],
  body = '',
  host = '127.0.0.1',
  waits = false,
): Promise<Answer> {
  const own = lines.some((line) => /^host:/i.test(line)) ? [] : [`Host: ${host}:${port}`]
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const head = [`${start} HTTP/1.1`, ...own, 'Connection: close', ...length, ...lines]
  const bytes = `${head.join('\r\n')}\r\n\r\n${Buffer.from(body).toString('latin1')}`
  return read(await (waits ? sayAndWait : say)(port, bytes, host))
}

/** The first answer in what came back. */
export function read(text: string): Answer {
  const end = text.indexOf('\r\n\r\n')
  const [start = '', ...lines] = text.slice(0, end === -1 ? text.length : end).split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const known = headers.get(name)
    headers.set(name, known === undefined ? value : `${known}\n${value}`)
  }
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(start)?.[1] ?? 0)
  const rest = end === -1 ? '' : text.slice(end + 4)
  const body = headers.get('transfer-encoding') === 'chunked' ? unchunked(rest) : rest
  return { status, headers, body: Buffer.from(body, 'latin1').toString() }
}

function unchunked(text: string): string {
  let body = ''
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    if (line === -1 || !(size > 0)) return body
    body += text.slice(line + 2, line + 2 + size)
    at = line + 4 + size
  }
}

/** Runs `each` on all items, `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  each: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      await each(items[index]!, index)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}
