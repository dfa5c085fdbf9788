/** The errors that this package throws: all of them at set-up. A request never throws because it is observed. */

/** Every code an {@link HttpError} can carry. */
export type HttpErrorCode =
  | 'KIT_HTTP_OPTION_INVALID'
  | 'KIT_HTTP_OPTION_UNKNOWN'
  | 'KIT_ADMIN_UNPROTECTED'
  | 'KIT_ADMIN_PORT_IN_USE'

/** A mistake in how an adapter, client or endpoint was set up. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: HttpErrorCode

  constructor(code: HttpErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
