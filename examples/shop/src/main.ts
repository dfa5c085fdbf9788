/**
 * The demo: starts the shop's two services, plays a day of shoppers on them, shows what kit sees of it, and
 * checks at the end that kit saw all of it.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { background, clock, notify, sleep } from '@kit/context'
import type { Context } from '@kit/context'
import type { Args } from './args.ts'
import { readArgs, usage } from './args.ts'
import { finalReport } from './report/final.ts'
import type { Look } from './report/live.ts'
import { scrape } from './report/scrape.ts'
import { PlainScreen, TerminalScreen } from './report/screen.ts'
import type { RunningService } from './services.ts'
import { startService } from './services.ts'
import { startTraffic } from './traffic/generator.ts'
import { planDay, planDays } from './traffic/plan.ts'

/** How long a day takes where there is no other end than Ctrl-C. */
const endlessDayMs = 120_000

const terminal = process.stdout.isTTY && process.stdin.isTTY
const screen = terminal ? new TerminalScreen() : new PlainScreen()
const bornMs = Number(process.env['KIT_DEMO_STARTED_AT'] ?? Date.now())

process.exitCode = await main()

async function main(): Promise<number> {
  let args: Args
  try {
    args = readArgs(process.argv.slice(2), terminal)
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n\n${usage}`)
    return 2
  }
  if (args.help) {
    process.stdout.write(usage)
    return 0
  }

  using interrupted = notify(background, 'SIGINT', 'SIGTERM')
  const logs = await mkdtemp(join(tmpdir(), 'kit-shop-'))
  const services: RunningService[] = []
  try {
    const { inventory, gateway } = await startShop(args, logs, services)
    if (interrupted.err !== undefined) return 130
    return await playDay(interrupted, args, gateway, inventory, join(logs, 'gateway.log'))
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    await Promise.all(services.map((service) => service.stop()))
    if (!terminal) await rm(logs, { recursive: true, force: true })
  }
}

async function startShop(
  { port, adminPort }: Args,
  logs: string,
  services: RunningService[],
): Promise<{ inventory: RunningService; gateway: RunningService }> {
  screen.say('starting the inventory (Postgres in a worker thread) and the gateway …')
  const inventory = await startService('./inventory/main.js', {
    PORT: String(port + 1),
    ADMIN_PORT: String(adminPort + 1),
    LOG_FILE: join(logs, 'inventory.log'),
  })
  services.push(inventory)
  const gateway = await startService('./gateway/main.js', {
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    LOG_FILE: join(logs, 'gateway.log'),
    INVENTORY_URL: inventory.url,
  })
  services.push(gateway)
  const first = await fetch(`${gateway.adminUrl}/readyz`)
  if (!first.ok) throw new Error(`the gateway is not ready: ${first.status}`)
  screen.say(`serving after ${((Date.now() - bornMs) / 1000).toFixed(1)} s`)
  return { inventory, gateway }
}

async function playDay(
  interrupted: Context,
  args: Args,
  gateway: RunningService,
  inventory: RunningService,
  logFile: string,
): Promise<number> {
  const endless = args.durationMs === Infinity
  const durationMs = endless ? endlessDayMs : args.durationMs
  using day = interrupted.withCancel()
  const plan = (endless ? planDays : planDay)({ ...args, durationMs })
  const traffic = startTraffic(day, gateway.url, plan)
  const startMs = clock.now()
  const watching = watch(day, gateway, startMs, durationMs)
  const levels = raiseLevel(day, gateway.adminUrl, endless ? 10_000 : durationMs / 2)

  await traffic.done
  day.cancel('the day is over')
  await Promise.all([watching, levels])
  if (interrupted.err !== undefined) screen.say('drained: no more is sent, every answer has come')

  const { text, conserved } = await finalReport({
    truth: traffic.ledger,
    gateway,
    inventory,
    logFile,
    keepsLog: terminal,
  })
  process.stdout.write(`${text}\n`)
  return conserved ? 0 : 1
}

/** Looks at the gateway again and again until the day is over. */
async function watch(
  day: Context,
  gateway: RunningService,
  startMs: number,
  durationMs: number,
): Promise<void> {
  const looks: Look[] = []
  while (day.err === undefined) {
    const now: Look = { atMs: clock.now(), samples: await scrape(gateway.adminUrl) }
    const before = looks.at(-screen.span) ?? looks[0]
    screen.show({ gateway, timeMs: now.atMs - startMs, durationMs, now, before })
    looks.push(now)
    if (looks.length > screen.span) looks.shift()
    await sleep(day, screen.intervalMs).catch(() => {})
  }
}

/** Debug for two seconds, half-way: asked for over HTTP, as an operator would. */
async function raiseLevel(day: Context, adminUrl: string, afterMs: number): Promise<void> {
  const put = async (level: string): Promise<void> => {
    const response = await fetch(`${adminUrl}/log/levels`, { method: 'PUT', body: JSON.stringify({ level }) })
    const body = (await response.json()) as { level?: string }
    screen.say(
      `PUT ${adminUrl}/log/levels {"level":"${level}"} → ${response.status}, the level is ${body.level}`,
    )
  }
  try {
    await sleep(day, afterMs)
  } catch {
    return // the day ended before
  }
  await put('debug')
  await sleep(day, 2000).catch(() => {})
  await put('info')
}
