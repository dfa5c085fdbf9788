/*
 * Loaded first (`node --import @kit/context/development app.js`), it makes Node warn of contexts that were dropped
 * without having been cancelled, with the place where each was derived. For development: every derivation captures a
 * stack trace, which costs some microseconds.
 */
import type { LiveContext } from './tracking.ts'
import { tracker } from './tracking.ts'

/** The code of the warnings, for `process.on('warning')`. */
export const lostCancelCode = 'KIT_LOST_CANCEL'

tracker().onLost((lost: LiveContext) => {
  process.emitWarning(
    `${lost.name} was derived and never cancelled: declare it with \`using\`, or cancel it in a \`finally\``,
    {
      type: 'LostCancelWarning',
      code: lostCancelCode,
      detail: lost.stack,
    },
  )
})
