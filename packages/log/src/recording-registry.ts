// The recordings of the whole process, oldest first: what they keep together has a bound, and beyond it the oldest
// gives way, so that neither a flood of requests nor recordings that nobody ended can fill the memory or keep later
// ones from recording.

import { processState, stats } from './stats.ts'

/** A recording, as far as all copies of this package in the process must agree. */
export interface Evictable {
  /** Ends it and lets go of what it keeps; calls `leave`. */
  evict(): void
}

/** The recordings of all copies. */
export interface RecordingRegistry {
  readonly active: Set<Evictable>
  /** Characters of the lines that they keep. */
  characters: number
}

/** Recordings that are active at a time. */
export const MAX_RECORDINGS = 4096
/** Characters of the lines that all recordings keep: 32 MiB where they are not of Latin-1, else 16. */
export const MAX_TOTAL_CHARACTERS = 16_777_216

/** Adds a recording. */
export function enter(recording: Evictable): void {
  const { active } = registry()
  while (active.size >= MAX_RECORDINGS) evictOldest()
  active.add(recording)
}

/** Removes a recording, with the characters that it kept until now. */
export function leave(recording: Evictable, characters: number): void {
  const all = registry()
  if (all.active.delete(recording)) all.characters -= characters
}

/** Says that recordings keep so many characters more, or less. May end recordings, that of the caller too. */
export function keptMore(characters: number): void {
  const all = registry()
  all.characters += characters
  while (all.characters > MAX_TOTAL_CHARACTERS && all.active.size > 0) evictOldest()
}

function evictOldest(): void {
  for (const oldest of registry().active) {
    stats.evictedRecordings += 1
    oldest.evict()
    // Whatever it did, it must not be found again.
    registry().active.delete(oldest)
    return
  }
}

function registry(): RecordingRegistry {
  processState.recordings ??= { active: new Set(), characters: 0 }
  return processState.recordings
}
