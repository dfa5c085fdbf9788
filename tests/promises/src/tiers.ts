/** The tiers, and what a trial may take in each. */

import type { Tier } from './promise.ts'

export const tiers: readonly Tier[] = ['change', 'nightly', 'release']

/** After this a trial is ended and has failed. */
export const timeoutMs: Readonly<Record<Tier, number>> = {
  change: 2 * 60_000,
  nightly: 60 * 60_000,
  release: 6 * 60 * 60_000,
}

/** When a tier runs, in words. */
export const when: Readonly<Record<Tier, string>> = {
  change: 'with each change',
  nightly: 'at night',
  release: 'before a release',
}

/** The tier of that name. Throws an Error if there is none. */
export function tierOf(name: string): Tier {
  const tier = tiers.find((one) => one === name)
  if (tier === undefined) throw new Error(`There is no tier ${name}: there are ${tiers.join(', ')}.`)
  return tier
}

/** The first of its tiers, in which a promise's bugs must be found. */
export function lowestTier(of: readonly Tier[]): Tier {
  return tiers.find((tier) => of.includes(tier)) ?? 'release'
}
