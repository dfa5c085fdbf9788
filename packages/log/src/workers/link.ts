// A line to other members: all threads of this process, or one other process.

import type { Message } from './protocol.ts'

/** One line. */
export interface Link {
  /** Whether this end tells newcomers where things are. */
  readonly teaches: boolean
  /** Says something to all who are on the line. Never throws. */
  post(message: Message): void
  close(): void
}

/** Opens a line, whose messages go to `receive` as they come; `ended` is called if the other end is gone for good. */
export type OpenLink = (receive: (message: unknown) => void, ended: () => void) => Link
