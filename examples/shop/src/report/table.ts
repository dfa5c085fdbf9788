/** Plain tables for a terminal: columns as wide as they need be, numbers to the right. */

/** Renders rows; a cell that is a number, or looks like one, is aligned right. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [header, ...rows.map((row) => row.map(String))]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const numeric = header.map((_, column) =>
    rows.every((row) => /^(-|[\d.,]+( ms)?)$/.test(String(row[column] ?? '-'))),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
