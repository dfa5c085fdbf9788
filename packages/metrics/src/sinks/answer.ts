/** What sinks that are read over HTTP answer beside their pages. */

/** Of every answer: no cache keeps it, and no browser takes it for anything but what its type says. */
export const answerHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** One line of text, such as why there is no page. */
export function plainAnswer(
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${line}\n`, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...answerHeaders, ...headers },
  })
}
