/** Markdown as the formatter of this repository leaves it. */

/** A table whose columns are as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(3, ...all.map((row) => width(row[i] ?? ''))))
  const line = (row: readonly string[]): string =>
    `| ${widths.map((size, i) => pad(row[i] ?? '', size)).join(' | ')} |`
  return [line(head), `| ${widths.map((size) => '-'.repeat(size)).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  )
}

/** Text that is to be read as text, in a paragraph or in a cell of a table. */
export function escape(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>|#]/g, String.raw`\$&`)
}

function pad(text: string, size: number): string {
  return text + ' '.repeat(size - width(text))
}

/** In characters as they are seen, not in UTF-16 units. */
function width(text: string): number {
  return [...new Intl.Segmenter().segment(text)].length
}
