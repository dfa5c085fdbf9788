/**
 * The dialects of StatsD: where labels go, which characters are safe there, and what their servers make of numbers.
 * Sources: statsd/statsd `docs/metric_types.md` and `stats.js` 0.9 (which keeps `a-zA-Z0-9_-.;=` of a name), Datadog's
 * "DogStatsD datagram format" 1.1, Telegraf's `inputs/statsd`, Graphite's "Tag support".
 */

import { cutBytes, dodged, maxSpelledBytes, Speller } from './spelling.ts'

/** Who is at the other end. */
export type StatsdDialect = 'statsd' | 'dogstatsd' | 'telegraf' | 'graphite-tags'

/** How a server wants one observation: a timer, a histogram or a distribution. */
export type SampleType = 'ms' | 'h' | 'd'

/** What is constant about the lines of one series: `head value | type rate tail`. */
export interface Spelled {
  /** Everything up to the value, the colon included. */
  readonly head: string
  /** Everything after type and sample rate: '' or, with the bar, DogStatsD's tags. */
  readonly tail: string
}

/** What one dialect can and cannot say. */
export interface Dialect {
  /** Whether a signed gauge is a change of the gauge, so that a negative value needs a zero before it. */
  readonly signedGaugeIsChange: boolean
  /** Whether the server cuts the fraction off a counter. */
  readonly wholeCounters: boolean
  /** Whether the server takes negative samples. */
  readonly negativeSamples: boolean
  /** Whether one line may hold several samples. */
  readonly packs: boolean
  /** Whether labels are segments of the name, so that names and label values share one space. */
  readonly dotted: boolean
  readonly sampleTypes: readonly SampleType[]
  /** The type for samples of a unit. */
  sampleType(unit: string): SampleType
  /** An instrument's name as it begins its lines, with so many bytes around it that belong to the name as well. */
  name(name: string, around: number): string
  /** Labels and values are spelled already; a value is '' for a tag of a client's that has none. */
  line(name: string, labels: readonly string[], values: readonly string[]): Spelled
  label(name: string): string
  /** The value of a label that is spelled already. */
  value(value: string, label: string): string
}

/** Letters and digits of any script where the transport carries UTF-8 unharmed. */
const letters = { ascii: 'A-Za-z0-9', unicode: '\\p{L}\\p{N}' }

/** The dialect of a name; `ascii` where the transport mangles everything else. */
export function dialectOf(dialect: StatsdDialect, ascii: boolean): Dialect {
  return dialects[dialect](ascii ? letters.ascii : letters.unicode)
}

/** All dialects, by name. */
export const dialectNames: readonly StatsdDialect[] = ['statsd', 'dogstatsd', 'telegraf', 'graphite-tags']

/**
 * Datadog takes so many characters of a metric's name, and so many of a tag with its value: what differs only behind them
 * would become one. So all of it is cut before, with a hash.
 */
const datadogLength = 200
const datadogLabelBytes = 60

const plainSpeller = new Speller('[A-Za-z0-9_.-]')

const dialects: Readonly<Record<StatsdDialect, (alphabet: string) => Dialect>> = {
  statsd: () => {
    const valueSpeller = new Speller('[A-Za-z0-9_-]')
    return {
      ...etsy,
      dotted: true,
      label: (name) => name,
      // A lone underscore stands for a label that is absent.
      value: (value) => (value === '_' ? dodged(value) : valueSpeller.spell(value)),
      line: (name, _labels, values) => ({ head: `${[name, ...values].join('.')}:`, tail: '' }),
    }
  },

  'graphite-tags': () => {
    const spell = (text: string): string => plainSpeller.spell(text)
    return {
      ...etsy,
      dotted: false,
      // Graphite keeps the name of a metric as its tag `name`.
      label: (name) => (name === 'name' ? dodged(name) : spell(name)),
      value: spell,
      line: (name, labels, values) => ({
        head: `${name}${joined(';', '=', 'true', labels, values)}:`,
        tail: '',
      }),
    }
  },

  telegraf: (alphabet) => {
    const valueSpeller = new Speller(`[${alphabet}_./-]`)
    return {
      signedGaugeIsChange: true,
      wholeCounters: true,
      negativeSamples: false,
      packs: false,
      dotted: false,
      sampleTypes: ['ms', 'h', 'd'],
      sampleType: (unit) => (millisecondsIn(unit) === undefined ? 'h' : 'ms'),
      name: (name) => plainSpeller.spell(name, 255),
      // Telegraf sets the tag `metric_type` itself.
      label: (name) => (name === 'metric_type' ? dodged(name) : plainSpeller.spell(name)),
      value: (value) => valueSpeller.spell(value),
      line: (name, labels, values) => ({
        head: `${name}${joined(',', '=', 'true', labels, values)}:`,
        tail: '',
      }),
    }
  },

  dogstatsd: (alphabet) => {
    const nameSpeller = new Speller('[A-Za-z0-9_.]')
    const labelSpeller = new Speller('[A-Za-z0-9_./-]')
    const valueSpeller = new Speller(`[${alphabet}_./-]`)
    return {
      signedGaugeIsChange: false,
      wholeCounters: false,
      negativeSamples: true,
      packs: true,
      dotted: false,
      sampleTypes: ['ms', 'h', 'd'],
      sampleType: () => 'd',
      name: (name, around) => nameSpeller.spell(name, Math.max(0, datadogLength - cutBytes - around)),
      label: (name) => labelSpeller.spell(name, datadogLabelBytes),
      value: (value, label) =>
        valueSpeller.spell(value, Math.min(maxSpelledBytes, datadogLength - cutBytes - label.length - 1)),
      line: (name, labels, values) => {
        const tags = joined(',', ':', '', labels, values)
        return { head: `${name}:`, tail: tags === '' ? '' : `|#${tags.slice(1)}` }
      },
    }
  },
}

/** Labels with `before` before each, and `bare` for the value of one that has none. */
function joined(
  before: string,
  between: string,
  bare: string,
  labels: readonly string[],
  values: readonly string[],
): string {
  let text = ''
  for (let i = 0; i < labels.length; i++) {
    const value = values[i]! || bare
    text += value === '' ? before + labels[i]! : before + labels[i]! + between + value
  }
  return text
}

const etsy = {
  signedGaugeIsChange: true,
  wholeCounters: false,
  negativeSamples: false,
  packs: false,
  sampleTypes: ['ms'],
  sampleType: (): SampleType => 'ms',
  name: (name: string): string => plainSpeller.spell(name, 255),
} as const

const milliseconds: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  min: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  ns: 1e-6,
}

/** How many milliseconds one of `unit` is; undefined for what is no time. */
export function millisecondsIn(unit: string): number | undefined {
  return Object.hasOwn(milliseconds, unit) ? milliseconds[unit] : undefined
}
