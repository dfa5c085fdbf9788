/**
 * The resource: what the metrics tell about. It comes from the environment, as OpenTelemetry specifies it ("Resource
 * SDK", "Specifying resource information via an environment variable"), unless code says more.
 */

import { MetricsError } from '../../errors.ts'
import type { OtelAttributes, OtelResource } from './types.ts'

/** Attributes, or a resource that OpenTelemetry's SDK made. */
export type ResourceLike =
  | OtelAttributes
  | { readonly attributes: object; getRawAttributes(): readonly unknown[] }

/** A resource, and what was wrong with the environment that it was read from. */
export interface ResolvedResource {
  readonly resource: OtelResource
  readonly error: MetricsError | undefined
}

/**
 * The resource to report. One of the SDK is taken as it is; attributes are laid over those of `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES` and the name `unknown_service:node`, in this order. Throws `KIT_METRIC_OPTION_INVALID`
 * for attributes that are none.
 */
export function resolveResource(
  given: ResourceLike | undefined,
  environment: NodeJS.ProcessEnv,
): ResolvedResource {
  if (isResource(given)) return { resource: given, error: undefined }
  // A map until the end: no name is a member of an object's prototype there.
  const attributes = new Map<string, string>([
    ['service.name', `unknown_service:${process.argv0.split(/[\\/]/).at(-1)}`],
  ])
  let error: MetricsError | undefined
  try {
    const listed = parseAttributes(environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '')
    for (const [key, value] of listed) attributes.set(key, value)
  } catch {
    error = new MetricsError(
      'KIT_METRIC_OPTION_INVALID',
      "OTEL_RESOURCE_ATTRIBUTES is ignored: write key=value,key=value, with ',' and '=' percent-encoded",
    )
  }
  const name = environment['OTEL_SERVICE_NAME']
  if (name !== undefined && name !== '') attributes.set('service.name', name)
  return { resource: new Resource({ ...Object.fromEntries(attributes), ...checkAttributes(given) }), error }
}

class Resource implements OtelResource {
  readonly attributes: OtelAttributes

  constructor(attributes: OtelAttributes) {
    this.attributes = Object.freeze(attributes)
  }

  merge(other: OtelResource | null): OtelResource {
    return other === null ? this : new Resource({ ...this.attributes, ...other.attributes })
  }

  getRawAttributes(): [string, OtelAttributes[string]][] {
    return Object.entries(this.attributes)
  }
}

function isResource(given: ResourceLike | undefined): given is OtelResource {
  return typeof (given as Partial<OtelResource> | undefined | null)?.getRawAttributes === 'function'
}

/** All or nothing: the specification has the whole variable discarded when a part of it is malformed. */
function parseAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue
    const [key, value, ...more] = pair.split('=').map((part) => decodeURIComponent(part.trim()))
    if (key === undefined || key === '' || value === undefined || more.length > 0) throw new SyntaxError(pair)
    attributes.set(key, value)
  }
  return attributes
}

function checkAttributes(given: unknown): OtelAttributes {
  if (given === undefined) return {}
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (isObject && Object.values(given).every(isAttributeValue)) return given as OtelAttributes
  throw new MetricsError(
    'KIT_METRIC_OPTION_INVALID',
    'opentelemetry: the resource must be attributes (strings, numbers, booleans, arrays of strings) or a Resource',
  )
}

function isAttributeValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}
