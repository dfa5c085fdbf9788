/**
 * Where an instrument's values come from: recordings (of labels that are settled or open), verbs, or an observable. Sinks need not know, but whoever
 * declares the same instrument elsewhere must, or the code that declares it there would be refused. So this looks
 * behind the source that sinks see.
 */

import { defaultBuckets } from '../histogram.ts'
import type { Definition, Instrument } from '../instrument.ts'
import { checkUnit, checkUserName } from '../naming.ts'
import { Registry } from '../registry.ts'
import type { MetricSource, SourceInstrument } from '../sink.ts'
import type { InstrumentDefinition, Origin } from './protocol.ts'

/** The origin of an instrument of `source`. */
export function originOf(source: MetricSource, instrument: SourceInstrument): Origin {
  if (!(source instanceof Registry)) return 'declared'
  if (source.isImprovised(instrument.name)) return 'verb'
  if (source.isOpen(instrument.name)) return 'open'
  if (instrument.kind === 'histogram') return 'declared'
  try {
    // Declaring what is there already has no effect but to tell whether it is this.
    source.declare(definitionOf(instrument, true))
    return 'observed'
  } catch {
    return 'declared'
  }
}

/** The instrument that a verb means, or would make up; undefined if it is something else. Throws for what is no name, unit or label. */
export function improvised(
  source: MetricSource,
  name: string,
  { kind, unit, labels }: InstrumentDefinition,
): Instrument | undefined {
  if (!(source instanceof Registry)) return undefined
  checkUserName(name)
  checkUnit(name, unit)
  const definition = definitionOf({ name, kind, unit, help: '', labelNames: [] }, false)
  return source.improvise(definition, labels)
}

/** The instrument behind an observable that exists, whether or not the filter blocks it. */
export function observedInstrument(
  source: MetricSource,
  like: Pick<SourceInstrument, 'name' | 'kind' | 'unit' | 'help' | 'labelNames'>,
): Exclude<Instrument, { kind: 'histogram' }> | undefined {
  if (!(source instanceof Registry)) return undefined
  const instrument = source.declare(definitionOf(like, true))
  return instrument.kind === 'histogram' ? undefined : instrument
}

function definitionOf(
  {
    name,
    kind,
    unit,
    help,
    labelNames,
  }: Pick<SourceInstrument, 'name' | 'kind' | 'unit' | 'help' | 'labelNames'>,
  observed: boolean,
): Definition {
  return {
    name,
    kind,
    unit,
    help,
    labelNames,
    bounds: kind === 'histogram' ? defaultBuckets : [],
    native: false,
    findSpan: undefined,
    maxSeries: 2000,
    ttlMs: Infinity,
    observed,
    open: false,
  }
}
