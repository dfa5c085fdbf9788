/* The machine that figures come from; without it they mean nothing. */
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'

/** What a reader needs to know of the machine. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly platform: string
}

/** The machine that this process runs on. */
export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
  }
}

/** In one line. */
export function describeMachine({ cpu, cores, memoryGiB, platform: system }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}`
}
