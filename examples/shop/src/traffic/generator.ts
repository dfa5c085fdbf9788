/** Sends a planned day, each request at its time whatever became of those before it, and keeps the ledger. */

import { Agent, request } from 'node:http'
import type { Context } from '@kit/context'
import { clock, group, sleep } from '@kit/context'
import { Ledger } from './ledger.ts'
import type { PlannedRequest } from './plan.ts'

/** A day under way. */
export interface Traffic {
  readonly ledger: Ledger
  /** Resolves when the last answer has come: of the whole day, or of what was sent before the context ended. */
  readonly done: Promise<void>
}

/** Starts to send `plan` to `url`. When `ctx` ends, no more is sent; what was sent is waited for. */
export function startTraffic(ctx: Context, url: string, plan: Iterable<PlannedRequest>): Traffic {
  const ledger = new Ledger()
  return { ledger, done: play(ctx, new URL(url), plan, ledger) }
}

async function play(ctx: Context, url: URL, plan: Iterable<PlannedRequest>, ledger: Ledger): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const shoppers = group(ctx.withoutCancel())
  const startMs = clock.now()
  for (const planned of plan) {
    const dueInMs = startMs + planned.atMs - clock.now()
    if (dueInMs > 0) await sleep(ctx, dueInMs).catch(() => {})
    if (ctx.err !== undefined) break
    shoppers.go(() => send(agent, url, planned, ledger))
  }
  await shoppers.wait()
  agent.destroy()
}

async function send(agent: Agent, url: URL, planned: PlannedRequest, ledger: Ledger): Promise<void> {
  const { method, path, body, hangUp } = planned
  const settle = (status: string): void => {
    ledger.add({ method: planned.methodLabel, route: planned.route, status })
  }
  await new Promise<void>((resolve) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const { hostname, port } = url
    const sent = request({ agent, hostname, port, method, path, headers }, (response) => {
      const status = String(response.statusCode)
      const finish = (): void => {
        settle(status)
        resolve()
      }
      if (hangUp === 'at first bytes') {
        response.once('data', () => {
          sent.destroy()
          finish()
        })
        response.once('error', () => {}) // the sound of hanging up
        return
      }
      response.once('end', finish)
      response.once('error', (error) => {
        ledger.surprises.push(`${method} ${path}: ${error.message}`)
        resolve()
      })
      response.resume()
    })
    let left = false
    sent.once('error', (error) => {
      if (left || hangUp === 'at first bytes') return
      ledger.surprises.push(`${method} ${path}: ${error.message}`)
      resolve()
    })
    if (typeof hangUp === 'object') {
      let timer: NodeJS.Timeout | undefined
      // Who hangs up before that was never heard of.
      sent.once('finish', () => {
        timer = setTimeout(() => {
          left = true
          sent.destroy()
          settle('')
          resolve()
        }, hangUp.afterMs)
      })
      sent.once('response', () => clearTimeout(timer))
    }
    sent.end(body)
  })
}
