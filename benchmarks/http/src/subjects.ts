/* What is measured: the same two routes of a framework, with different things in front of them. */

/** A web framework. */
export type Framework = 'express' | 'koa'

/** What stands in front of the routes. */
export type Kind = 'bare' | 'kit' | 'kit-async' | 'kit-silent' | 'stack' | 'opentelemetry'

/** One kind under load. */
export interface Subject {
  readonly kind: Kind
  readonly name: string
  /** Why it does not run on this line of Node. */
  readonly skip?: (major: number) => string | undefined
}

/** Subjects that get the same requests; the first is what the others are compared with. */
export interface Group {
  readonly name: string
  readonly title: string
  readonly framework: Framework
  readonly path: string
  readonly subjects: readonly Subject[]
}

const bare: Subject = { kind: 'bare', name: 'bare' }
const kit: Subject = { kind: 'kit', name: 'kit' }
const kitAsync: Subject = { kind: 'kit-async', name: 'kit, lines at the end of the turn' }
const kitSilent: Subject = { kind: 'kit-silent', name: 'kit, no line a request' }
const opentelemetry: Subject = { kind: 'opentelemetry', name: 'OpenTelemetry, nothing exported' }

const hello = '/hello'
const item = '/orgs/acme/users/4711/items/17'

/** All groups. */
export const groups: readonly Group[] = [
  {
    name: 'express-hello',
    title: 'Express 5, a text of five letters',
    framework: 'express',
    path: hello,
    subjects: [
      bare,
      kit,
      kitAsync,
      kitSilent,
      { kind: 'stack', name: 'express-prom-bundle + pino-http + a request id in AsyncLocalStorage' },
      opentelemetry,
    ],
  },
  {
    name: 'express-json',
    title: 'Express 5, JSON from a route with three parameters',
    framework: 'express',
    path: item,
    subjects: [
      bare,
      kit,
      { kind: 'stack', name: 'express-prom-bundle + pino-http + a request id in AsyncLocalStorage' },
      opentelemetry,
    ],
  },
  {
    name: 'koa-hello',
    title: 'Koa 3, a text of five letters',
    framework: 'koa',
    path: hello,
    subjects: [
      bare,
      kit,
      { kind: 'stack', name: 'prom-client + pino-http + a request id in AsyncLocalStorage' },
      opentelemetry,
    ],
  },
]
