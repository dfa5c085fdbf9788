/** One trouble, from its beginning until all has arrived that was counted meanwhile. */

import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { LoadNews, LoadOrder, LoadReport, LoadWord } from '../programs/statsd-load.ts'
import { forkProgram } from '../tools/programs.ts'
import { isAccounted } from './outages.ts'
import type { OutageKind } from './outages.ts'

/** What is the same for all troubles. */
export interface OutageOptions extends Pick<
  LoadOrder,
  'isVirtual' | 'forMs' | 'intervalMs' | 'operationsPerSecond' | 'series' | 'flushes'
> {
  readonly folder: string
  readonly onProgress: (passedMs: number) => void
}

/** What one trouble came to. */
export interface OutageResult extends LoadReport {
  readonly kind: OutageKind
  /** Flushes after the trouble until all had arrived, or at least what is new; Infinity if it never did. */
  readonly flushesNeeded: number
  /** Increments that were counted and did not arrive. */
  readonly lost: number
  /** Datagrams that came, less those that the sink has counted as sent. */
  readonly uncounted: number
}

/** What has been sent over loopback arrives within this, also on a busy machine. */
const arrivalMs = 1_000

/** Rejects if the process ends early. */
export async function tryOutage(kind: OutageKind, options: OutageOptions): Promise<OutageResult> {
  const outage = kind.make(mkdtempSync(join(options.folder, 'outage-')))
  const { server } = outage
  await server.start()
  const { folder: _folder, onProgress, ...same } = options
  const order: LoadOrder = { ...outage.order, ...same, port: server.port }
  const { execPath, execArgv = [] } = outage.fork ?? {}
  const program = forkProgram('statsd-load', [JSON.stringify(order)], {
    ...(execPath === undefined ? {} : { execPath }),
    execArgv: [...execArgv, '--expose-gc'],
  })
  const news = newsOf(program)
  const say = (word: LoadWord): void => {
    program.send(word)
  }
  try {
    await news.next('ready')
    // What a server that ends has not read yet was taken, and would be lost for good.
    if (outage.isFromStart !== true) await soon(() => server.total >= options.series)
    await outage.begin(program.pid!)
    say('go')
    news.onProgress = onProgress
    const { loaded } = await news.next('loaded')
    await outage.lift()
    const before = server.total
    say('lifted')
    let flushesNeeded = Number.POSITIVE_INFINITY
    let last = { counted: loaded.counted, stats: loaded.stats }
    for (let flush = 1; flush <= options.flushes; flush++) {
      last = (await news.next('flushed')).flushed
      const wanted = isAccounted(kind) ? last.counted : before + options.series
      const all = await soon(() => server.total >= wanted)
      if (all) flushesNeeded = flush
      say(all ? 'arrived' : 'missing')
      if (all) break
    }
    const lost = last.counted - server.total
    const uncounted = server.datagrams === 0 ? 0 : server.datagrams - last.stats.packets
    const { ended } = await news.next('ended')
    return { ...loaded, stats: last.stats, errors: ended, kind, flushesNeeded, lost, uncounted }
  } finally {
    await outage.lift().catch(() => {})
    program.kill('SIGKILL')
    await server.stop()
  }
}

type Key = LoadNews extends infer One ? (One extends One ? keyof One : never) : never
type NewsOf<K extends Key> = Extract<LoadNews, Readonly<Record<K, unknown>>>

interface News {
  onProgress: (passedMs: number) => void
  /** The next of a kind. Rejects if the process ends without. */
  next<K extends Key>(key: K): Promise<NewsOf<K>>
}

function newsOf(program: ReturnType<typeof forkProgram>): News {
  const kept: LoadNews[] = []
  let look = (): void => {}
  let ended: string | undefined
  const news: News = {
    onProgress: () => {},
    next: (key) =>
      new Promise((resolve, reject) => {
        look = () => {
          const at = kept.findIndex((one) => key in one)
          const [found] = at === -1 ? [] : kept.splice(at, 1)
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has the key
          if (found !== undefined) resolve(found as NewsOf<typeof key>)
          else if (ended !== undefined) reject(new Error(`the process under load ended with ${ended}`))
        }
        look()
      }),
  }
  program.on('message', (message) => {
    const one = message as LoadNews
    if ('passedMs' in one) news.onProgress(one.passedMs)
    else {
      kept.push(one)
      look()
    }
  })
  program.on('exit', (code, signal) => {
    ended = String(code ?? signal)
    look()
  })
  return news
}

/** Whether it is so within a while. */
async function soon(isSo: () => boolean): Promise<boolean> {
  const until = performance.now() + arrivalMs
  while (!isSo()) {
    if (performance.now() > until) return false
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return true
}
