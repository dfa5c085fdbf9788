/** An OTLP receiver: an HTTP server that decodes what exporters send, and can be told to fail or to hang. */

import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { parse as Parse } from 'protobufjs'

/** What it does with a request: takes it, refuses it for good, or takes it and does not answer. */
export type Conduct = 'accept' | 'refuse' | 'hang'

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

/** A running receiver. */
export interface Receiver {
  readonly url: string
  conduct: Conduct
  /** The points of each accepted request. */
  readonly batches: Point[][]
  /** Resolves when so many requests have come, whatever became of them. */
  requests(count: number): Promise<void>
  /** Ends all connections. */
  close(): Promise<void>
}

/** Starts a receiver on a free port of the loopback interface. */
export async function startReceiver(parse: typeof Parse): Promise<Receiver> {
  const schema = readFileSync(new URL('metrics.proto', import.meta.url), 'utf8')
  const type = parse(schema).root.lookupType('ExportMetricsServiceRequest')
  const batches: Point[][] = []
  const hanging: ServerResponse[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  let seen = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen++
      if (receiver.conduct === 'accept') {
        batches.push(pointsOf(type.toObject(type.decode(Buffer.concat(chunks)), { longs: String })))
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      } else if (receiver.conduct === 'refuse') response.writeHead(400).end()
      else hanging.push(response)
      for (const { count, resolve } of waiting) if (seen >= count) resolve()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`,
    conduct: 'accept',
    batches,
    requests: (count) =>
      new Promise((resolve) => {
        if (seen >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    async close() {
      for (const response of hanging) response.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
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
