/* The labels and values that every case records: the same for all, made before anything is measured. */

/** Three labels, as a request has them. */
export type RequestLabels = Readonly<Record<'method' | 'route' | 'status', string>>

/** In the order in which all libraries declare them. */
export const labelNames = ['method', 'route', 'status'] as const

/** Eleven bounds, the default of prom-client. */
export const elevenBuckets: number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Fourteen bounds, what OpenTelemetry advises for requests and kit's default. */
export const fourteenBuckets: number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** How many series the groups of recording go over in turn. A power of two. */
export const several = 64

/** How many observed values come in turn. A power of two. */
export const manyValues = 1024

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const statuses = ['200', '201', '304', '404', '500']

/** The labels of the series with this number: 5 methods, 5 statuses, and as many routes as it takes. */
export function labelsOf(index: number, routes: readonly string[]): RequestLabels {
  const combination = index % 25
  return {
    method: methods[combination % 5]!,
    route: routes[(index - combination) / 25]!,
    status: statuses[(combination - (combination % 5)) / 5]!,
  }
}

/** The routes of so many series. A service has them as constants, so that no library keeps them for itself. */
export function routesOf(count: number): string[] {
  return Array.from({ length: Math.ceil(count / 25) }, (_, index) => `/api/v1/resource-${index}/:id`)
}

/** So many different sets of labels, in an order that is not that of their parts. */
export function labelSets(count: number): RequestLabels[] {
  const routes = routesOf(count)
  return Array.from({ length: count }, (_, index) => labelsOf((index * 7919) % count, routes))
}

/**
 * Durations in seconds: most of some milliseconds, a few of seconds; none falls on a bound. They are numbers on the
 * heap, as most are that a call is given: an array of bare doubles would let each call that is not inlined pay for a
 * number that is made for it, and none of the others.
 */
export function durations(): readonly number[] {
  let state = 12_345
  const values: (number | undefined)[] = [undefined]
  for (let i = 0; i < manyValues; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    values[i] = 0.0012 * 10_000 ** (((state + 0.5) / 4_294_967_296) ** 1.5)
  }
  return values as number[]
}

/**
 * Calls `record` with one set after the other. All are recorded once at first, so that every series exists; then they
 * come in turn without a division.
 */
export function inTurn(
  sets: readonly RequestLabels[],
  record: (labels: RequestLabels, index: number) => void,
): (index: number) => void {
  sets.forEach(record)
  const length = 2 ** Math.ceil(Math.log2(sets.length))
  const turns = Array.from({ length }, (_, index) => sets[index % sets.length]!)
  const mask = length - 1
  return (index) => record(turns[index & mask]!, index)
}
