/* Tables of text: columns as wide as they need be, the first to the left and the others to the right. */

/** For a terminal. A row that ends early is a remark and may run over the columns. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(header, rows)
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => align(cell, column, isRemark(header, row) ? 0 : widths[column], widths[0]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** For a page of Markdown, padded as formatters of Markdown do. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => header.map((_, column) => escape(row[column] ?? '')))
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? '').length)))
  const lines = cells.map((row) => row.map((cell, column) => align(cell, column, widths[column], widths[0])))
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  lines.splice(1, 0, rule)
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

function widthsOf(header: readonly string[], rows: readonly (readonly string[])[]): number[] {
  const whole = [header, ...rows.filter((row) => !isRemark(header, row))]
  return header.map((_, column) => {
    const column0 = column === 0 ? rows.map((row) => row[0] ?? '') : []
    return Math.max(...[...whole.map((row) => row[column] ?? ''), ...column0].map((cell) => cell.length))
  })
}

function isRemark(header: readonly string[], row: readonly string[]): boolean {
  return row.length < header.length
}

function align(cell: string, column: number, width = 0, first = 0): string {
  return column === 0 ? cell.padEnd(first) : cell.padStart(width)
}

function escape(cell: string): string {
  return cell.replaceAll('|', '\\|')
}
