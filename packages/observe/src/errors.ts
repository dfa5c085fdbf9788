/** The errors that this package throws: all of them at set-up, none while a wrapped function runs. */

/** Every code an {@link ObserveError} can carry. */
export type ObserveErrorCode =
  /** There is no function to wrap, or what was decorated is none. */
  | 'KIT_NOT_A_FUNCTION'
  /** The function has no name of its own and none was given. */
  | 'KIT_NAME_REQUIRED'
  /** There is no option of that name. */
  | 'KIT_OBSERVE_OPTION_UNKNOWN'
  /** An option has a value that it cannot have, or that makes no sense beside another. */
  | 'KIT_OBSERVE_OPTION_INVALID'
  /** `instrument` was given no object, or one whose methods cannot be replaced. */
  | 'KIT_NOT_INSTRUMENTABLE'

/** A mistake in how a function was wrapped. Thrown where it is wrapped, never where it is called. */
export class ObserveError extends Error {
  override readonly name = 'ObserveError'
  readonly code: ObserveErrorCode

  constructor(code: ObserveErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
