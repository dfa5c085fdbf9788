/** Where the demo shows itself: redrawn in place in a terminal, a line every few seconds elsewhere. */

import type { RunningService } from '../services.ts'
import { intensity } from '../traffic/plan.ts'
import type { Look } from './live.ts'
import { liveView } from './live.ts'

/** What there is to see at one moment. */
export interface Scene {
  readonly gateway: RunningService
  /** Since the day began. */
  readonly timeMs: number
  readonly durationMs: number
  readonly now: Look
  /** What the rates are since. */
  readonly before: Look | undefined
}

/** A place to show scenes and to say lines. */
export interface Screen {
  /** Between two scenes. */
  readonly intervalMs: number
  /** How many scenes the rates reach back. */
  readonly span: number
  say(line: string): void
  show(scene: Scene): void
}

/** For pipes and files. */
export class PlainScreen implements Screen {
  readonly intervalMs = 3000
  readonly span = 1

  say(line: string): void {
    process.stdout.write(`${line}\n`)
  }

  show({ timeMs, now, before }: Scene): void {
    const [summary] = liveView(now, before).split('\n', 1)
    this.say(`${(timeMs / 1000).toFixed(0).padStart(3)} s  ${summary}`)
  }
}

/** For people: the last lines said stand below the scene. */
export class TerminalScreen implements Screen {
  readonly intervalMs = 500
  readonly span = 6
  readonly #said: string[] = []
  #drawn = false

  say(line: string): void {
    this.#said.push(line)
    process.stdout.write(`${line}\n`)
  }

  show(scene: Scene): void {
    const text = [header(scene), liveView(scene.now, scene.before), '', ...this.#said.slice(-4), ''].join(
      '\n',
    )
    // From the top left, each line cleared to its end, and everything below: no flicker, nothing left over.
    const start = this.#drawn ? '\u001b[H' : '\u001b[2J\u001b[H'
    this.#drawn = true
    process.stdout.write(`${start}${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`)
  }
}

function header({ gateway, timeMs, durationMs }: Scene): string {
  const dayTime = (timeMs / durationMs) % 1
  const hour = String(Math.floor(dayTime * 24)).padStart(2, '0')
  return [
    `kit demo · ${(timeMs / 1000).toFixed(0)} s · ${hour}:00 in the shop ${'█'.repeat(Math.round(intensity(dayTime) * 10))}`,
    '',
    `  metrics    ${gateway.adminUrl}/metrics`,
    `  in memory  ${gateway.adminUrl}/metrics.json`,
    `  log level  ${gateway.adminUrl}/log/levels   (curl -X PUT -d level=debug …)`,
    `  the shop   ${gateway.url}/items/SKU-00042`,
    '  Ctrl-C drains and reports',
    '',
    '',
  ].join('\n')
}
