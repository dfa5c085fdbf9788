// Numbers as JSON. What most of them in logs are, durations in thousandths, is put together from texts that are there: finding
// the shortest digits of a double takes as long as all else that is done for a field.

/** Above this a number is more likely to be anything else. */
const MOST = 1_000_000

const fractions: readonly string[] = Array.from({ length: 1000 }, (_, thousandths) =>
  String(thousandths / 1000).slice(1),
)

/** The JSON text of a number; `null` for one that has none. */
export function numberText(value: number): string {
  if ((value | 0) === value) return String(value)
  if (value >= 0 && value < MOST) {
    const thousandths = Math.round(value * 1000)
    // Two decimals of so few digits are never the same double, so none that is shorter stands for it.
    if (thousandths / 1000 === value) {
      const whole = Math.floor(thousandths / 1000)
      return `${whole}${fractions[thousandths - whole * 1000]}`
    }
  }
  return Number.isFinite(value) ? String(value) : 'null'
}
