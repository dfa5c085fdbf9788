/** Secrets that are known again wherever they turn up, each with the place where it was put. */

const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const length = 24
/** As much of a secret is enough to call it found. */
const partLength = 10

/** Secrets of 24 letters and digits, all different. */
export class Canaries {
  readonly #random: () => number
  /** By secret, where it was put. */
  readonly #places = new Map<string, string>()

  constructor(random: () => number) {
    this.#random = random
  }

  get count(): number {
    return this.#places.size
  }

  /** Another secret, for this place. */
  at(place: string): string {
    const secret = `c4N${Array.from({ length: length - 3 }, () => letters[Math.floor(this.#random() * letters.length)]).join('')}`
    this.#places.set(secret, place)
    return secret
  }

  /** The places whose secret is in the text, whole, in part, or in base64. */
  foundIn(text: string): string[] {
    const found: string[] = []
    for (const [secret, place] of this.#places) {
      const parts = [secret.slice(3, 3 + partLength), secret.slice(-partLength), encoded(secret)]
      if (parts.some((part) => text.includes(part))) found.push(place)
    }
    return found
  }
}

/** `user:secret` as it stands behind `Basic`. */
export function basic(secret: string): string {
  return Buffer.from(`user:${secret}`).toString('base64')
}

/** What of {@link basic} is made of the secret alone. */
function encoded(secret: string): string {
  return basic(secret).slice(8, 32)
}
