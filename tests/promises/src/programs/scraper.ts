/** A scraper in a process of its own: told `{ url, count, accept }`, it asks so many times at once and tells what came. */

import { Agent, get } from 'node:http'

/** What a scraper is told. */
export interface ScrapeOrder {
  readonly url: string
  readonly count: number
  readonly accept: string
  /** Whether the page itself is wanted: a long one costs more than it took to scrape it. Default false. */
  readonly wantsPage?: boolean
}

/** What it answers. */
export interface ScrapeResult {
  /** Answers with 200 that ended as they should. */
  readonly whole: number
  /** From the first question to the last answer. */
  readonly tookMs: number
  /** The last page; '' unless it was wanted. */
  readonly page: string
}

process.on('message', (order: ScrapeOrder) => {
  void scrape(order).then((result) => process.send?.(result))
})

async function scrape({ url, count, accept, wantsPage = false }: ScrapeOrder): Promise<ScrapeResult> {
  const agent = new Agent({ maxSockets: Infinity })
  const startMs = performance.now()
  const pages = await Promise.all(Array.from({ length: count }, () => one(url, accept, agent)))
  const tookMs = performance.now() - startMs
  const whole = pages.filter((page) => page !== undefined)
  agent.destroy()
  return { whole: whole.length, tookMs, page: wantsPage ? (whole.at(-1) ?? '') : '' }
}

function one(url: string, accept: string, agent: Agent): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(url, { agent, headers: { accept } }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('close', () => {
        resolve(res.complete && res.statusCode === 200 ? Buffer.concat(chunks).toString() : undefined)
      })
    }).on('error', () => resolve(undefined))
  })
}
