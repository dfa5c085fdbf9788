/** The short answers of kit's own: a line of text, which no cache keeps and no browser takes for anything else. */

/** Of every answer of kit's own. */
export const ownAnswer = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** A text that ends with a line feed, and its status. */
export function plainAnswer(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...ownAnswer, ...headers },
  })
}
