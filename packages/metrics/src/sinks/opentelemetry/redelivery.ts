/**
 * Making good for failed exports. A delta is told once: OpenTelemetry's readers drop a batch whose export failed, and
 * with it what was recorded in that interval. Here an exporter is wrapped so that the sink hears of the failure, and
 * tells the reader the same again at the next collection, merged with what is new, over the whole time.
 */

import { Point } from './data.ts'
import type { ExporterLike, OtelDataPoint } from './types.ts'

/**
 * Wraps an exporter so that no delta of this sink is lost when an export fails: its data points are told again at the
 * next collection. Put it between reader and exporter. Cumulative data needs none of it, and passes unchanged, as do
 * the points of the SDK's own instruments. Whatever the exporter can do, the wrapper can.
 *
 * A batch that did arrive, and whose export was reported as failed (the answer was lost, or came too late), is counted
 * twice at the receiver: at least once instead of at most once.
 */
export function redelivering<E extends ExporterLike>(exporter: E): E {
  const send: ExporterLike['export'] = (metrics, resultCallback) => {
    const points = metrics.scopeMetrics.flatMap((scope) => scope.metrics.flatMap(pointsOf))
    const recallAll = (): void => {
      for (const point of points.splice(0)) Point.recall(point)
    }
    try {
      exporter.export(metrics, (result) => {
        if (result.code !== 0) recallAll()
        else points.length = 0
        resultCallback(result)
      })
    } catch (error) {
      recallAll()
      throw error
    }
  }
  return new Proxy(exporter, {
    get(target, key) {
      if (key === 'export') return send
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function pointsOf({
  dataPoints,
}: {
  dataPoints: readonly OtelDataPoint<unknown>[]
}): OtelDataPoint<unknown>[] {
  return [...dataPoints]
}
