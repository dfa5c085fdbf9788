/** The errors that this package throws: all of them at set-up, none while a wrapped function runs. */

/** Every code an {@link ObserveError} can carry. */
export type ObserveErrorCode = 'KIT_NOT_A_FUNCTION' | 'KIT_NAME_REQUIRED' | 'KIT_OBSERVE_OPTION_UNKNOWN'

/** A mistake in how a function was wrapped. Thrown where it is wrapped, never where it is called. */
export class ObserveError extends Error {
  override readonly name = 'ObserveError'
  readonly code: ObserveErrorCode

  constructor(code: ObserveErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
