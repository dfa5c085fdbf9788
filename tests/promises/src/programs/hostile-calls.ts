/** Calls one package with hostile values, in a process of its own: `{ subject, calls, seed }` as its argument. */

import { runCalls } from '../hostile/run-calls.ts'
import type { CallsReport } from '../hostile/run-calls.ts'
import { subjects } from '../hostile/subjects.ts'
import type { SubjectName } from '../hostile/subjects.ts'

/** What the process is told. */
export interface CallsOrder {
  readonly subject: SubjectName
  readonly calls: number
  readonly seed: number
}

/** What it tells: how far it is, and at last what it found. */
export type CallsNews = { readonly done: number } | { readonly report: CallsReport }

const order = JSON.parse(process.argv[2]!) as CallsOrder
const tell = (news: CallsNews): void => {
  process.send?.(news)
}
const report = await runCalls(subjects[order.subject], order.calls, order.seed, (done) => tell({ done }))
tell({ report })
process.disconnect?.()
