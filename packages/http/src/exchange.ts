/**
 * The least that an observer needs to know of a request, whatever framework or protocol it came through.
 * Adapters translate into this and know nothing of metrics; everything behind it knows nothing of frameworks.
 */

/** One request as it arrived. Everything in it was written by a stranger. */
export interface Exchange {
  /** The method as sent, upper case or not, known or not. */
  readonly method: string
  /** The request target as sent; not necessarily a valid URL. */
  readonly target: string
  readonly scheme: 'http' | 'https'
  /** `1.1`, `2`, … */
  readonly protocolVersion: string
  /** The address at the other end of the socket, when there is one. */
  readonly peerAddress: string | undefined
  /** The value of a header by its lower-case name; several lines joined with `, `. */
  header(name: string): string | undefined
}

/** `events`: text/event-stream. `upgrade`: a WebSocket, or whatever else came after 101 or CONNECT. */
export type StreamKind = 'events' | 'upgrade'

/**
 * How an exchange ended, told once, when its response has closed.
 *
 * `finished`: every byte of the response was handed to the network. `aborted`: the client left, or the
 * connection broke, before that. `cut`: the service itself ended it before that. `status` is missing when no response
 * head was sent.
 */
export interface End {
  readonly kind: 'finished' | 'aborted' | 'cut'
  readonly status: number | undefined
  /** What the response was, if it was one that is meant to last. */
  readonly stream?: StreamKind | undefined
  /** The size of the request's body, where it was asked for and is known. */
  readonly requestBytes?: number | undefined
  /** That of the response's: what was handed to the network, which is more than what reached a client that left. */
  readonly responseBytes?: number | undefined
}
