// Durations as people write them: 90s, 15m, 1h30m.

const UNIT_MS: ReadonlyMap<string | undefined, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** The milliseconds of a text such as `90s`, `1h30m` or `250ms`; `undefined` if it is none. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 32 || !/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined
  let ms = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/gy)) {
    ms += Number(count) * (UNIT_MS.get(unit) ?? 0)
  }
  return ms
}
