/**
 * Where requests meet: whoever comes waits until enough are there, and the last to come wakes them all through an
 * event. So two requests are certain to be in the middle of their work at the same time, and the listeners of one are
 * called by code of the other: the place where ambient values get mixed up.
 */

import { EventEmitter } from 'node:events'
import type { Context } from '@kit/context'

/** A meeting of `size` requests, over and over. */
export class Rendezvous {
  readonly #size: number
  readonly #bell = new EventEmitter()
  #present = 0

  constructor(size: number) {
    this.#size = size
  }

  /**
   * Comes, and has the listeners called when all are there, by whoever comes last. Who leaves before that, because
   * the context ends, is not counted any more.
   */
  join(ctx: Context, ...listeners: (() => void)[]): void {
    const stay = ctx.afterFunc(() => {
      this.#present -= 1
      for (const listener of [...listeners, stay]) this.#bell.off('complete', listener)
    })
    for (const listener of [...listeners, stay]) this.#bell.once('complete', listener)
    this.#present += 1
    if (this.#present < this.#size) return
    this.#present = 0
    this.#bell.emit('complete')
  }
}
