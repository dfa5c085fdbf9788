/** Which pages of metrics were sent to their last byte. */

import type { ServerResponse } from 'node:http'
import { onEnd } from './connection-end.ts'

/** Counts scrapes, and tells those who wait for the next. */
export class Scrapes {
  total = 0
  #waiting: (() => void)[] = []

  /** Resolves when a scrape that begins after this call was sent whole with status 200. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** A scrape begins: who waits now waits for this one, and for another if it fails. */
  begun(res: ServerResponse): void {
    const waiting = this.#waiting
    this.#waiting = []
    let isOver = false
    onEnd(res, res.req.socket, () => {
      if (isOver) return
      isOver = true
      if (res.writableFinished && res.statusCode === 200) {
        this.total += 1
        for (const tell of waiting) tell()
      } else {
        this.#waiting.push(...waiting)
      }
    })
  }
}
