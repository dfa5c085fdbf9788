/* Where the loggers of a case write to. */
import { openSync } from 'node:fs'

/** Takes lines. */
export interface Lines {
  write(line: string): unknown
}

/** The null device through a system call for each line, or an object that takes them in this process. */
export type Output = 'null device' | Lines

/** Lets lines go. Their length is kept, so that nobody can leave one unmade; texts that are joined stay so. */
export const nowhere: Lines & { length: number } = {
  length: 0,
  write(line) {
    nowhere.length = line.length
  },
}

let device: number | undefined

/** The descriptor of the null device, one for all that is set up in this process. */
export function nullDevice(): number {
  device ??= openSync('/dev/null', 'w')
  return device
}
