/*
 * A timeout that does not pass, as most do not: set it, finish before, give it up. Once with nobody watching, which is
 * where a context has no timer to set, and then with somebody watching, which is where it has.
 */
import type { Case, Group } from '../harness/suite.ts'
import { alive, ended } from './ended.ts'

const limitMs = 1000
const idiom = 'AbortController + setTimeout + clearTimeout'

const kit: Case = {
  name: 'kit: withTimeout + cancel',
  async prepare() {
    const { background } = await import('@kit/context')
    const root = background.withCancel()
    return () => {
      const ctx = root.withTimeout(limitMs)
      ctx.cancel()
      return ctx
    }
  },
}

const byHand: Case = {
  name: idiom,
  prepare() {
    return () => {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(), limitMs)
      const { signal } = controller
      clearTimeout(timer)
      return signal
    }
  },
}

const platform: Case = {
  name: 'AbortSignal.timeout',
  prepare() {
    return () => AbortSignal.timeout(limitMs)
  },
}

const platformUnderParent: Case = {
  name: 'AbortSignal.any of a parent and AbortSignal.timeout',
  prepare() {
    const root = new AbortController()
    return () => AbortSignal.any([root.signal, AbortSignal.timeout(limitMs)])
  },
}

const note =
  'Timers of AbortSignal.timeout cannot be given up; they fire a second later, in a later round, and count there. ' +
  'Only the first and the last case end with a parent.'

/** Nobody watches. */
export const timeout: Group = {
  name: 'timeout',
  title: `a timeout of ${limitMs} ms that nobody watches, given up at once`,
  note,
  holds: settled,
  targets: [{ against: idiom, atLeast: 6 }],
  cases: [kit, byHand, platform, platformUnderParent],
}

/** Nobody watches, and Node's list of timers of this length exists already. */
export const timeoutAmongTimers: Group = {
  ...timeout,
  name: 'timeout-busy',
  title: `the same while 1,000 other timers of ${limitMs} ms are live`,
  note: 'Node keeps timers of one length in one list; a timer is much cheaper where the list exists already.',
  targets: [],
  cases: timeout.cases.map(amongTimers),
}

/** The signal is handed to a callee that takes one. */
export const timeoutWithSignal: Group = {
  name: 'timeout-signal',
  title: `a timeout of ${limitMs} ms whose AbortSignal is read, given up at once`,
  note: 'Cancelling the context aborts its signal; clearing the timer leaves that of the controller as it is.',
  holds: settled,
  cases: [
    {
      name: 'kit: withTimeout + signal + cancel',
      async prepare() {
        const { background } = await import('@kit/context')
        const root = background.withCancel()
        return () => {
          const ctx = root.withTimeout(limitMs)
          const { signal } = ctx
          ctx.cancel()
          return signal
        }
      },
    },
    byHand,
    platform,
    platformUnderParent,
  ],
}

/** Somebody registers to be told, and takes that back. */
export const timeoutWithListener: Group = {
  name: 'timeout-listener',
  title: `a timeout of ${limitMs} ms with one callback, both given up at once`,
  holds: settled,
  cases: [
    {
      name: 'kit: withTimeout + afterFunc + stop + cancel',
      async prepare() {
        const { background } = await import('@kit/context')
        const root = background.withCancel()
        return () => {
          const ctx = root.withTimeout(limitMs)
          const stop = ctx.afterFunc(() => {})
          stop()
          ctx.cancel()
          return ctx
        }
      },
    },
    {
      name: `${idiom}, with a listener`,
      prepare() {
        return () => {
          const controller = new AbortController()
          const { signal } = controller
          const timer = setTimeout(() => controller.abort(), limitMs)
          const listener = (): void => {}
          signal.addEventListener('abort', listener, { once: true })
          signal.removeEventListener('abort', listener)
          clearTimeout(timer)
          return signal
        }
      },
    },
    {
      name: 'AbortSignal.timeout, with a listener',
      prepare() {
        return () => {
          const signal = AbortSignal.timeout(limitMs)
          const listener = (): void => {}
          signal.addEventListener('abort', listener, { once: true })
          signal.removeEventListener('abort', listener)
          return signal
        }
      },
    },
  ],
}

/** Cancelling ends a context; a cleared timer leaves its signal as it was. */
function settled(result: unknown): boolean {
  return alive(result) || ended(result)
}

function amongTimers(one: Case): Case {
  return {
    ...one,
    prepare() {
      for (let i = 0; i < 1000; i++) setInterval(() => {}, limitMs)
      return one.prepare()
    },
  }
}
