/** What a run found, as it is written to `.reports/promises/<tier>.json` and shown in the page beside it. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../outcome.ts'
import type { Tier } from '../promise.ts'
import { reportPage } from './page.ts'

export interface Report {
  readonly tier: Tier
  readonly seed: number
  /** When the run began, ISO 8601. */
  readonly date: string
  readonly node: string
  /** `linux x64, 2 processors`. */
  readonly machine: string
  /** Of the built files that were tried. */
  readonly build: string
  /** Whether a bug was planted: then nothing that it says is about the packages. */
  readonly planted: boolean
  readonly outcomes: readonly Outcome[]
}

const folder = '.reports/promises'

/** Writes both files. Returns the path of the page, from the root. */
export function writeReport(root: string, report: Report): string {
  mkdirSync(join(root, folder), { recursive: true })
  const name = `${report.planted ? 'planted-' : ''}${report.tier}`
  if (!report.planted)
    writeFileSync(join(root, folder, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`)
  const page = `${folder}/${name}.html`
  writeFileSync(join(root, page), reportPage(report))
  return page
}

/** The report of the last run of that tier, if there is one. */
export function readReport(root: string, tier: Tier): Report | undefined {
  const file = join(root, folder, `${tier}.json`)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}
