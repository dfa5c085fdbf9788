/** The ground truth: what the shoppers sent and what became of it, kept by the shoppers themselves. */

/** What is counted together: a method, a route and what came of it. */
export interface Entry {
  readonly method: string
  /** The route's template; empty where no route matched. */
  readonly route: string
  /** The status received; empty when the client left before any. */
  readonly status: string
}

/** How often each entry occurred. */
export class Ledger {
  readonly #counts = new Map<string, number>()
  /** Requests that ended in a way that nobody planned: connections that failed, answers cut short. */
  readonly surprises: string[] = []

  add(entry: Entry, count = 1): void {
    const key = keyOf(entry)
    this.#counts.set(key, this.count(entry) + count)
  }

  count(entry: Entry): number {
    return this.#counts.get(keyOf(entry)) ?? 0
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  entries(): Entry[] {
    return [...this.#counts.keys()].map((key) => {
      const [method = '', route = '', status = ''] = JSON.parse(key) as string[]
      return { method, route, status }
    })
  }
}

function keyOf({ method, route, status }: Entry): string {
  return JSON.stringify([method, route, status])
}
