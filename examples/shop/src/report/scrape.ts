/** Reads a metrics page the way a monitoring system does: over HTTP, as text. */

/** One line of a page. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Fetches and parses a page in the Prometheus text format. */
export async function scrape(adminUrl: string): Promise<Sample[]> {
  const response = await fetch(`${adminUrl}/metrics`)
  if (!response.ok) throw new Error(`${adminUrl}/metrics answered ${response.status}`)
  return parsePage(await response.text())
}

/** Parses the sample lines of a page. */
export function parsePage(page: string): Sample[] {
  const samples: Sample[] = []
  for (const line of page.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line)
    if (match === null) continue
    const [, name = '', labels = '', value = ''] = match
    samples.push({ name, labels: parseLabels(labels), value: Number(value.replace('Inf', 'Infinity')) })
  }
  return samples
}

/** The sum of all samples of a name that have these labels. */
export function sumOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  let sum = 0
  for (const sample of samples) {
    if (sample.name === name && hasLabels(sample, labels)) sum += sample.value
  }
  return sum
}

/**
 * A quantile of a histogram in seconds, over all series that have these labels: interpolated within its bucket,
 * as PromQL's histogram_quantile does. NaN when nothing was observed.
 */
export function quantileOf(
  samples: readonly Sample[],
  name: string,
  q: number,
  labels: Record<string, string> = {},
): number {
  const cumulative = new Map<number, number>()
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket` || !hasLabels(sample, labels)) continue
    const bound = sample.labels['le'] === '+Inf' ? Infinity : Number(sample.labels['le'])
    cumulative.set(bound, (cumulative.get(bound) ?? 0) + sample.value)
  }
  const buckets = [...cumulative].toSorted(([a], [b]) => a - b)
  const rank = q * (buckets.at(-1)?.[1] ?? 0)
  let below = 0
  let lower = 0
  for (const [bound, count] of buckets) {
    if (count > 0 && count >= rank) {
      return bound === Infinity ? lower : lower + ((bound - lower) * (rank - below)) / (count - below)
    }
    below = count
    lower = bound
  }
  return Number.NaN
}

function hasLabels(sample: Sample, labels: Record<string, string>): boolean {
  return Object.entries(labels).every(([key, value]) => (sample.labels[key] ?? '') === value)
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, key = '', value = ''] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[key] = value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  }
  return labels
}
