/** A curve as inline SVG: axes with round numbers, one line, the limits of what is shown in its own points. */

import type { Plot } from '../events.ts'
import { numberText } from '../figure-text.ts'
import type { Markup } from './html.ts'
import { html } from './html.ts'

const width = 680
const height = 220
const left = 72
const right = 16
const top = 12
const bottom = 44
/** More points than pixels are not seen. */
const maxPoints = 1_000

/** Draws the finite points of the plot; says so if there are none. */
export function plotSvg({ title, x, y, points }: Plot): Markup {
  const shown = thinned(points.filter((point) => point.every(Number.isFinite)))
  if (shown.length === 0) return html`<p>${title}: no points.</p>`
  const xs = axis(shown.map(([value]) => value))
  const ys = axis([0, ...shown.map(([, value]) => value)])
  const toX = (value: number): string => (left + xs.part(value) * (width - left - right)).toFixed(1)
  const toY = (value: number): string =>
    (height - bottom - ys.part(value) * (height - top - bottom)).toFixed(1)
  const line = shown.map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${toX(px)} ${toY(py)}`).join('')
  return html`<figure>
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: ${y} by ${x}">
      ${ys.ticks.map(
        (value) =>
          html`<line
              class="grid"
              x1="${left}"
              x2="${width - right}"
              y1="${toY(value)}"
              y2="${toY(value)}"
            /><text x="${left - 8}" y="${toY(value)}" dy="4" text-anchor="end">${numberText(value)}</text>`,
      )}
      ${xs.ticks.map(
        (value) =>
          html`<text x="${toX(value)}" y="${height - bottom + 18}" text-anchor="middle"
            >${numberText(value)}</text
          >`,
      )}
      <path class="curve" d="${line}" />
      <text x="${(left + width - right) / 2}" y="${height - 6}" text-anchor="middle">${x}</text>
      <text
        x="14"
        y="${(top + height - bottom) / 2}"
        text-anchor="middle"
        transform="rotate(-90 14 ${(top + height - bottom) / 2})"
      >
        ${y}
      </text>
    </svg>
  </figure>`
}

interface Axis {
  readonly ticks: readonly number[]
  /** Where a value lies, from 0 to 1. */
  part(value: number): number
}

/** From a round number below the least value to a round one above the greatest, in about five steps. */
function axis(values: readonly number[]): Axis {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  const step = roundStep((max - min || Math.abs(max) || 1) / 5)
  const first = Math.floor(min / step)
  const last = Math.max(first + 1, Math.ceil(max / step))
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  )
  return { ticks, part: (value) => (value / step - first) / (last - first) }
}

/** The next of 1, 2, 5, 10, 20, … */
function roundStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast))
  return power * (([1, 2, 5] as const).find((factor) => factor * power >= atLeast) ?? 10)
}

/** The least and the greatest of each run of points, so that no peak is lost. */
function thinned(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  if (points.length <= maxPoints) return [...points]
  const size = Math.ceil(points.length / (maxPoints / 2))
  const kept: (readonly [number, number])[] = []
  for (let from = 0; from < points.length; from += size) {
    const run = points.slice(from, from + size).toSorted((a, b) => a[1] - b[1])
    const ends = [run[0], run.at(-1)].filter((point) => point !== undefined)
    kept.push(...new Set(ends.toSorted((a, b) => a[0] - b[0])))
  }
  return kept
}
