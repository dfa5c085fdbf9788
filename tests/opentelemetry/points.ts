/** Data points, as a receiver of OTLP finds them in a request. */

import { readFileSync } from 'node:fs'
import type { parse as Parse } from 'protobufjs'

/** One data point, flat. Times are nanoseconds since the Unix epoch. */
export interface Point {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly scope: string
  readonly resource: Readonly<Record<string, unknown>>
  readonly kind: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram'
  /** 0 where there is none, 1 for delta, 2 for cumulative. */
  readonly temporality: number
  readonly isMonotonic: boolean
  readonly attributes: Readonly<Record<string, unknown>>
  readonly start: bigint
  readonly end: bigint
  /** The fields of the message that hold the value. */
  readonly value: Readonly<Record<string, unknown>>
}

interface KeyValue {
  readonly key: string
  readonly value?: Readonly<Record<string, unknown>>
}

interface Data {
  readonly dataPoints?: readonly Record<string, unknown>[]
  readonly aggregationTemporality?: number
  readonly isMonotonic?: boolean
}

interface Metric extends Partial<Record<Point['kind'], Data>> {
  readonly name: string
  readonly description?: string
  readonly unit?: string
}

interface Request {
  readonly resourceMetrics?: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] }
    readonly scopeMetrics?: readonly {
      readonly scope?: { readonly name?: string; readonly version?: string }
      readonly metrics?: readonly Metric[]
    }[]
  }[]
}

/** What decodes the requests of a metrics exporter. */
export function pointDecoder(parse: typeof Parse): (body: Buffer) => Point[] {
  const schema = readFileSync(new URL('metrics.proto', import.meta.url), 'utf8')
  const type = parse(schema).root.lookupType('ExportMetricsServiceRequest')
  return (body) => pointsOf(type.toObject(type.decode(body), { longs: String }))
}

const kinds = ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const

function pointsOf(request: Request): Point[] {
  const points: Point[] = []
  for (const { resource, scopeMetrics = [] } of request.resourceMetrics ?? []) {
    for (const { scope, metrics = [] } of scopeMetrics) {
      for (const metric of metrics) {
        const kind = kinds.find((candidate) => metric[candidate] !== undefined)!
        const data = metric[kind]!
        for (const { startTimeUnixNano, timeUnixNano, attributes, ...value } of data.dataPoints ?? []) {
          points.push({
            name: metric.name,
            description: metric.description ?? '',
            unit: metric.unit ?? '',
            scope: `${scope?.name} ${scope?.version}`,
            resource: recordOf(resource?.attributes),
            kind,
            temporality: data.aggregationTemporality ?? 0,
            isMonotonic: data.isMonotonic ?? false,
            attributes: recordOf(attributes as readonly KeyValue[] | undefined),
            start: BigInt(startTimeUnixNano as string),
            end: BigInt(timeUnixNano as string),
            value,
          })
        }
      }
    }
  }
  return points
}

function recordOf(attributes: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]))
}
