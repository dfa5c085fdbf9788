/**
 * The search for a random number, in three variants that differ only in how it ends if nobody finds it: by nobody, by
 * a deadline, by a timeout.
 */

import type { CancelContext, Context } from '@kit/context'
import { background, clock, notify } from '@kit/context'
import type { Args } from './args.ts'
import { UsageError, readArgs, usage } from './args.ts'
import { deadlock } from './deadlock.ts'
import { untilEnd } from './hold.ts'
import { announcement, reportOf } from './report.ts'
import { announce, follow, tell } from './screen.ts'
import { emptyTally, search } from './search.ts'

/** The command was used wrongly (EX_USAGE of sysexits.h); 2 is taken, it is what a deadlock ends with. */
const usageExitCode = 64

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  let args: Args
  try {
    args = readArgs(argv)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`random: ${error.message}\n`)
    return usageExitCode
  }
  if (args.help) {
    process.stdout.write(usage)
    return 0
  }
  using interrupted = notify(background, 'SIGINT', 'SIGTERM')
  return await run(interrupted, args)
}

async function run(interrupted: Context, args: Args): Promise<number> {
  const { plan, variant } = args
  const wallMs = clock.wallTime()
  announce(announcement(args, wallMs))
  using ctx = limited(interrupted, args, wallMs)
  const tally = emptyTally()
  const unfollow = follow(ctx, tally)
  // Only where there is a deadline to wait for is the process held up: elsewhere an empty event loop is the news.
  const otherwise = variant === 'cancel' ? deadlock(ctx) : untilEnd(ctx)
  const outcome = await search(ctx, plan, tally, otherwise)
  unfollow()
  const report = reportOf(outcome, plan, tally, ctx.deadline)
  tell(report)
  return report.exitCode
}

/** The three lines that the variants are about. */
function limited(interrupted: Context, { variant, limitMs }: Args, wallMs: number): CancelContext {
  if (variant === 'deadline') return interrupted.withDeadline(new Date(wallMs + limitMs))
  if (variant === 'timeout') return interrupted.withTimeout(limitMs)
  return interrupted.withCancel()
}
