/** The subjects, by package. */

import { contextCalls } from './context-calls.ts'
import { httpCalls } from './http-calls.ts'
import { logCalls } from './log-calls.ts'
import { metricsCalls } from './metrics-calls.ts'
import { observeCalls } from './observe-calls.ts'
import type { MakeSubject } from './subject.ts'

/** A package that has a subject. */
export type SubjectName = 'context' | 'metrics' | 'log' | 'observe' | 'http'

export const subjects: Readonly<Record<SubjectName, MakeSubject>> = {
  context: contextCalls,
  metrics: metricsCalls,
  log: logCalls,
  observe: observeCalls,
  http: httpCalls,
}

export const subjectNames: readonly SubjectName[] = ['context', 'metrics', 'log', 'observe', 'http']
