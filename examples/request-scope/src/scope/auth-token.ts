/**
 * The token that a request came with: a value of the application itself. Its key stays in this file, so that these two
 * functions are the only way to it: whoever wants to know where tokens are read has two names to search for.
 */

import type { Context, Key } from '@kit/context'
import { createKey } from '@kit/context'

const redacted = '[redacted]'

/**
 * A secret that has to be asked for: as a string or in JSON it is `[redacted]`, and `console.log` shows no private field.
 */
export class AuthToken {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  /** The secret itself, for where it is checked or sent on. */
  reveal(): string {
    return this.#secret
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }
}

const authTokenKey: Key<AuthToken | undefined> = createKey<AuthToken>('auth token')

/** A context that carries the token. */
export function withAuthToken(ctx: Context, token: AuthToken): Context {
  return ctx.withValue(authTokenKey, token)
}

/** The token of the request that the context belongs to; undefined if it came without one. */
export function authTokenOf(ctx: Context): AuthToken | undefined {
  return ctx.value(authTokenKey)
}

/** The token of an `authorization: Bearer …` header. */
export function bearerToken(header: string | undefined): AuthToken | undefined {
  const secret = /^Bearer ([\w.~+/-]+=*)$/i.exec(header ?? '')?.[1]
  return secret === undefined ? undefined : new AuthToken(secret)
}
