// The one error class of this package. It is thrown while something is being set up, never while
// something is being logged: a line that cannot be written is counted in `logStats()` instead.

/** What went wrong, for programs. The list is closed: a new code is a new minor version. */
export type LogErrorCode =
  /** An options object holds a name that nobody reads. */
  | 'KIT_LOG_UNKNOWN_OPTION'
  /** An option has a value that cannot be used. */
  | 'KIT_LOG_BAD_OPTION'
  /** A level is none of trace, debug, info, warn, error, fatal, silent (or the aliases warning, off). */
  | 'KIT_LOG_BAD_LEVEL'
  /** A level spec does not follow the grammar `info,db.*=debug,http=warn`. */
  | 'KIT_LOG_BAD_SPEC'
  /** A logger name is empty, too long, or holds a character that names cannot have. */
  | 'KIT_LOG_BAD_NAME'
  /** A level was to be configured for one name more than a level tree keeps. */
  | 'KIT_LOG_TOO_MANY_NAMES'
  /** A lifetime is not a positive, finite number of milliseconds. */
  | 'KIT_LOG_BAD_TTL'
  /** A condition on requests is empty, asks for something there is not, or for a header that carries credentials. */
  | 'KIT_LOG_BAD_CONDITION'
  /** An override was to be added to a tree that has as many as it takes. */
  | 'KIT_LOG_TOO_MANY_OVERRIDES'
  /** The file of a destination cannot be opened, or its descriptor is not open; `cause` is the system's error. */
  | 'KIT_LOG_BAD_DESTINATION'
  /** `levelHandler` was called without saying who may change levels. */
  | 'KIT_LOG_NO_AUTHORIZE'
  /** `expectLog` found no line that matches. */
  | 'KIT_LOG_NOT_LOGGED'

/** A mistake made while setting up logging. `message` says what to do about it. */
export class LogError extends Error {
  override readonly name: string = 'LogError'
  /** The kind of mistake. */
  readonly code: LogErrorCode

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Throws for the first name in `options` that is not in `known`, so that a misspelt option is found
 * where it was written and not by its missing effect; and if they are no object at all.
 */
export function checkOptionNames(owner: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new LogError('KIT_LOG_BAD_OPTION', `The options of ${owner} are an object: ${known.join(', ')}.`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new LogError(
        'KIT_LOG_UNKNOWN_OPTION',
        `${owner} has no option '${name}'. Its options are: ${known.join(', ')}.`,
      )
    }
  }
}

/** A value in a message, whatever it is: no method of it is called, and nothing is longer than a few words. */
export function described(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64))
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return String(value)
  return `a value of type ${typeof value}`
}
