/** The report of a run as one HTML file that needs nothing else, for light and for dark screens. */

import { boundText, secondsText, valueText } from '../figure-text.ts'
import type { Outcome } from '../outcome.ts'
import { isJudged, used } from '../outcome.ts'
import type { Figure } from '../promise.ts'
import { keeps } from '../promise.ts'
import { countLine } from '../summary.ts'
import { when } from '../tiers.ts'
import type { Markup } from './html.ts'
import { html, Markup as Raw } from './html.ts'
import { plotSvg } from './plot.ts'
import type { Report } from './report.ts'

export function reportPage(report: Report): string {
  const { outcomes, tier, date, node, machine, seed, planted } = report
  return `<!doctype html>
${
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>Promises, tried ${when[tier]}: ${countLine(outcomes)}</title>
      <style>
        ${new Raw(style)}
      </style>
    </head>
    <body>
      <h1>Promises, tried ${when[tier]}</h1>
      <p>
        ${countLine(outcomes)}. ${date.slice(0, 16).replace('T', ' ')} UTC, Node ${node}, ${machine}, seed
        ${seed}.
      </p>
      ${planted ? html`<p class="broken">A bug was planted: this says nothing about the packages.</p>` : ''}
      ${outcomes.filter(({ verdict: word }) => word === 'broken').map(callout)}
      <table>
        <thead>
          <tr>
            <th></th>
            <th>verdict</th>
            <th>time</th>
            <th>promise</th>
          </tr>
        </thead>
        <tbody>
          ${outcomes.map(
            (one) =>
              html`<tr>
                <td><a href="#${one.id}">${one.id}</a></td>
                <td>${verdict(one)}</td>
                <td>${time(one)}</td>
                <td>${prose(one.says)}${one.verdict === 'skipped' ? ` (${one.reasons[0]})` : ''}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${outcomes.map(section)}
    </body>
  </html>`.text
}
`
}

/** What is broken stands before everything else, with the first of its reasons. */
function callout({ id, reasons }: Outcome): Markup {
  return html`<p class="callout"><a href="#${id}">${id}</a> ${reasons[0]?.split('\n')[0]}</p> `
}

/** A sentence in which what stands between backticks is code. */
function prose(text: string): Markup[] {
  return text.split('`').map((part, i) => (i % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))
}

function section(outcome: Outcome): Markup {
  const { id, says, reasons, figures, plots } = outcome
  return html`<section id="${id}">
    <h2>${id} ${verdict(outcome)}</h2>
    <p>${prose(says)}</p>
    ${reasons.map((reason) => html`<pre>${reason}</pre>`)}
    ${
      figures.length === 0
        ? ''
        : html`<table>
            <thead>
              <tr>
                <th>figure</th>
                <th>limit</th>
                <th>measured</th>
                <th>of the limit</th>
              </tr>
            </thead>
            <tbody>
              ${figures.map(row)}
            </tbody>
          </table>`
    }
    ${plots.map(plotSvg)}
  </section> `
}

function row(figure: Figure): Markup {
  return html`<tr>
    <td>${figure.what}</td>
    <td>${boundText(figure)}</td>
    <td class="${keeps(figure) ? '' : 'broken'}">${valueText(figure)}</td>
    <td>${bar(figure)}</td>
  </tr> `
}

/** How much of the limit is used, as a bar whose end is the limit. */
function bar(figure: Figure): Markup | string {
  const part = used(figure)
  if (part === undefined) return isJudged(figure) ? (keeps(figure) ? 'as promised' : 'not as promised') : ''
  const filled = Math.min(1, part) * 120
  return html`<svg
      class="bar ${keeps(figure) ? 'kept' : 'broken'}"
      viewBox="0 0 120 10"
      role="img"
      aria-label="${Math.round(part * 100)} %"
    >
      <rect class="limit" width="120" height="10" rx="2" />
      <rect class="used" width="${filled.toFixed(1)}" height="10" rx="2" />
    </svg>
    ${Math.round(part * 100)} %`
}

function verdict({ verdict: word }: Outcome): Markup {
  return html`<span class="${word}">${word}</span>`
}

function time({ verdict: word, seconds }: Outcome): string {
  return word === 'skipped' ? '' : secondsText(seconds)
}

const style = `
:root { color-scheme: light dark; --text: #1c1e21; --quiet: #5d646d; --line: #d5d9de; --back: #fff; --soft: #f3f5f7;
  --kept: #1a7f37; --broken: #c0272d; --skipped: #8a6100; --curve: #0b62c4; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7ea; --quiet: #9aa3ad; --line: #3a4048; --back: #16181b; --soft: #20242a;
  --kept: #4cc26a; --broken: #ff7b76; --skipped: #e0b34a; --curve: #6cb2ff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th { text-align: left; color: var(--quiet); font-weight: 600; }
th, td { border-bottom: 1px solid var(--line); padding: 0.35rem 0.8rem 0.35rem 0; vertical-align: top; white-space: nowrap; }
td:first-child, td:last-child { white-space: normal; }
td:has(.bar) { white-space: nowrap; }
tr > td:nth-child(n+2) { font-variant-numeric: tabular-nums; }
a { color: var(--curve); }
pre { background: var(--soft); padding: 0.7rem 0.9rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.kept { color: var(--kept); } .broken { color: var(--broken); } .skipped { color: var(--skipped); }
h2 span { font-weight: 400; } code { font-size: 0.92em; }
.callout { border-left: 4px solid var(--broken); background: var(--soft); padding: 0.5rem 0.9rem; margin: 0.6rem 0;
  overflow-wrap: anywhere; }
figure { margin: 1.2rem 0; } figcaption { color: var(--quiet); }
svg { max-width: 100%; } svg text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
.grid { stroke: var(--line); } .curve { fill: none; stroke: var(--curve); stroke-width: 1.5; }
.bar { width: 120px; height: 10px; } .limit { fill: var(--line); } .bar.kept .used { fill: var(--kept); }
.bar.broken .used { fill: var(--broken); }
`
