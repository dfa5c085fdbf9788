/** Lists of many short texts. */

/** The texts of a row, between the broken bars. */
export function listed(row: string): string[] {
  return row.split('¦')
}
