/* Signals that many listen to, without the platform's warning that these are many. */
import { EventEmitter } from 'node:events'

/** A controller whose signal has so many listeners and may have more. */
export function watchedController(listeners: number): AbortController {
  const controller = unlimited(new AbortController())
  for (let i = 0; i < listeners; i++) controller.signal.addEventListener('abort', () => {})
  return controller
}

/** Takes the limit off the signal of a controller, which costs a few nanoseconds. */
export function unlimited(controller: AbortController): AbortController {
  EventEmitter.setMaxListeners(0, controller.signal)
  return controller
}
