/** Log records, as a receiver of OTLP finds them in a request. */

import { readFileSync } from 'node:fs'
import type { parse as Parse } from 'protobufjs'

/** One log record, flat. Times are nanoseconds since the Unix epoch. */
export interface ReceivedRecord {
  readonly scope: string
  readonly time: bigint
  readonly observed: bigint
  readonly severity: number
  readonly severityText: string
  readonly body: unknown
  readonly attributes: Readonly<Record<string, unknown>>
  readonly droppedAttributes: number
  /** In hexadecimal, '' for none. */
  readonly traceId: string
  readonly spanId: string
}

/** What decodes the requests of a log exporter. */
export function recordDecoder(parse: typeof Parse): (body: Buffer) => ReceivedRecord[] {
  const schema = readFileSync(new URL('logs.proto', import.meta.url), 'utf8')
  const type = parse(schema).root.lookupType('ExportLogsServiceRequest')
  return (body) => recordsOf(type.toObject(type.decode(body), { longs: String }))
}

interface AnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values?: readonly AnyValue[] }
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] }
}

interface KeyValue {
  readonly key: string
  readonly value?: AnyValue
}

interface Request {
  readonly resourceLogs?: readonly {
    readonly scopeLogs?: readonly {
      readonly scope?: { readonly name?: string }
      readonly logRecords?: readonly {
        readonly timeUnixNano?: string
        readonly observedTimeUnixNano?: string
        readonly severityNumber?: number
        readonly severityText?: string
        readonly body?: AnyValue
        readonly attributes?: readonly KeyValue[]
        readonly droppedAttributesCount?: number
        readonly traceId?: Uint8Array
        readonly spanId?: Uint8Array
      }[]
    }[]
  }[]
}

function recordsOf({ resourceLogs = [] }: Request): ReceivedRecord[] {
  return resourceLogs.flatMap(({ scopeLogs = [] }) =>
    scopeLogs.flatMap(({ scope, logRecords = [] }) =>
      logRecords.map((record) => ({
        scope: scope?.name ?? '',
        time: BigInt(record.timeUnixNano ?? 0),
        observed: BigInt(record.observedTimeUnixNano ?? 0),
        severity: record.severityNumber ?? 0,
        severityText: record.severityText ?? '',
        body: record.body === undefined ? undefined : valueOf(record.body),
        attributes: mapOf(record.attributes),
        droppedAttributes: record.droppedAttributesCount ?? 0,
        traceId: Buffer.from(record.traceId ?? []).toString('hex'),
        spanId: Buffer.from(record.spanId ?? []).toString('hex'),
      })),
    ),
  )
}

function mapOf(attributes: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value ?? {})]))
}

function valueOf(value: AnyValue): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(valueOf)
  if (value.kvlistValue !== undefined) return mapOf(value.kvlistValue.values)
  if (value.intValue !== undefined) return Number(value.intValue)
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? null
}
