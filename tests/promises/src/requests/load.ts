/** The way in which clients ask, whatever the protocol: in portions that are the same each time. */

/** What a client asked for, and how that ended. */
export interface Asked {
  /** Requests that were sent and reached the service. */
  readonly requests: number
  /** Of these, the ones that their client gave up. */
  readonly aborted: number
}

/** What a client does with requests that it gives up. */
export interface ClientOptions {
  /**
   * Whether requests whose answers wait for their turn on the connection are among them. Not for fetch-style services:
   * to these a response is over when its body has been read, by whatever server.
   */
  readonly pipelined: boolean
}

/** A client that asks in portions, over connections that it keeps. */
export interface Client {
  /** One portion of some {@link portion} requests, a twentieth of them aborted. */
  portion(): Promise<Asked>
  /** Leaves; resolves when its connections are closed. */
  close(): Promise<void>
}

/** Connections that are kept from one portion to the next are asked for this many answers at a time. */
export const batch = 36
/** Batches in a portion. */
export const batches = 3
/** About how many requests a portion has. */
export const portion = 120

/** The kinds of request in a batch: most are answered at once, some in parts, some fail. */
export const kinds: readonly string[] = Array.from({ length: batch }, (_, i) =>
  i % 10 === 9 ? 'failed' : i % 5 === 3 ? 'streamed' : 'whole',
)
