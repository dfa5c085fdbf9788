// A destination that keeps its lines, for tests.

import type { Destination } from '../destination.ts'
import { parseStrict } from './strict-json.ts'

/** A JSON line, parsed. */
export type LogRecord = Readonly<Record<string, unknown>>

/** A destination that keeps what it gets. */
export interface MemoryDestination extends Destination {
  /** The lines so far, each with its line break. */
  readonly lines: readonly string[]
  /**
   * The lines so far, parsed. Throws a SyntaxError if one is not JSON (the text format is not) or holds a key
   * twice.
   */
  readonly records: readonly LogRecord[]
  /** Forgets the lines. */
  clear(): void
}

/** Makes a destination that keeps its lines until `clear`. Unbounded: for tests only. */
export function memoryDestination(): MemoryDestination {
  const lines: string[] = []
  return {
    lines,
    get records() {
      return lines.map((line) => parseRecord(line))
    },
    write(line) {
      lines.push(line)
    },
    clear() {
      lines.length = 0
    },
  }
}

function parseRecord(line: string): LogRecord {
  const record = parseStrict(line)
  if (typeof record !== 'object' || record === null)
    throw new SyntaxError(`A line is no JSON object: ${line}`)
  return { ...record }
}
