/** Numbers that are given, and not promised yet: what they would speak of is not there. */

export interface NotYet {
  readonly id: string
  readonly says: string
  readonly because: string
}

export const notYet: readonly NotYet[] = [
  {
    id: 'S7',
    says: 'Debug pages are off by default, answer only to this machine by its own names, and every path under them asks who is there.',
    because: 'there are no debug pages yet',
  },
  {
    id: 'S12',
    says: 'What is written into generated dashboards and alert rules stays text.',
    because: 'nothing generates such files yet',
  },
]
