/*
 * The limit as a program of Effect: run from outside for each call, the program built anew or once, on a long-lived
 * runtime, and inside one fiber, where no border is crossed at all.
 */
import type { Case } from '../harness/suite.ts'
import type { Job } from './jobs.ts'
import { limitMs } from './jobs.ts'

/** Effect from outside, call by call, and from inside, where its own code would be. */
export function effectCases(job: Job, width: number): Case[] {
  return [
    {
      name: 'Effect: runPromise, built for each call',
      async prepare() {
        const Effect = await import('effect/Effect')
        return (index) =>
          Effect.runPromise(
            Effect.timeout(
              Effect.promise(() => job(index)),
              limitMs,
            ),
          )
      },
    },
    {
      name: 'Effect: runPromise',
      async prepare() {
        const Effect = await import('effect/Effect')
        const program = Effect.timeout(
          Effect.promise(() => job(0)),
          limitMs,
        )
        return () => Effect.runPromise(program)
      },
    },
    {
      name: 'Effect: runCallback of a long-lived runtime',
      async prepare() {
        const [Effect, Exit, Layer, ManagedRuntime] = await Promise.all([
          import('effect/Effect'),
          import('effect/Exit'),
          import('effect/Layer'),
          import('effect/ManagedRuntime'),
        ])
        const runtime = ManagedRuntime.make(Layer.empty)
        // The context is built once, and reused by every later call.
        await runtime.runPromise(Effect.void)
        const program = Effect.timeout(
          Effect.promise(() => job(0)),
          limitMs,
        )
        return () =>
          new Promise((resolve, reject) => {
            runtime.runCallback(program, {
              onExit: (exit) => (Exit.isSuccess(exit) ? resolve(exit.value) : reject(new Error('failed'))),
            })
          })
      },
    },
    {
      name: 'Effect: all in one fiber',
      async prepare() {
        const Effect = await import('effect/Effect')
        const program = Effect.timeout(
          Effect.promise(() => job(0)),
          limitMs,
        )
        const wave = Array.from({ length: width }, () => program)
        const together = Effect.all(wave, { concurrency: 'unbounded' })
        return {
          burst: (count) =>
            Effect.runPromise(
              Effect.gen(function* () {
                let last: number | undefined
                let left = count
                for (; left >= width; left -= width) {
                  last = width === 1 ? yield* program : (yield* together).at(-1)
                }
                for (; left > 0; left--) last = yield* program
                return last
              }),
            ),
        }
      },
    },
  ]
}
