/**
 * Content negotiation: which exposition format an Accept header asks for.
 */

/** The exposition formats: Prometheus text 0.0.4 and OpenMetrics text 1.0. */
export type ExpositionFormat = 'text' | 'openmetrics'

/** The Content-Type of each format. */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Longer headers are cut: nobody who means well sends one, and the rest is answered with the text format. */
const maxHeaderLength = 4096

/**
 * The format with the highest quality, the earlier of two equals (RFC 9110, section 12.5.1). Whatever cannot be
 * satisfied or understood gets the text format, which every scraper reads. Never throws, also for what is no text;
 * linear in the header.
 */
export function negotiate(accept: string | null | undefined): ExpositionFormat {
  let best: ExpositionFormat = 'text'
  let bestQuality = 0
  const header = typeof accept === 'string' ? accept : ''
  for (const range of header.slice(0, maxHeaderLength).toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const format = formatOf(type, valueOf(parameters, 'version'))
    const quality = qualityOf(valueOf(parameters, 'q'))
    if (format !== undefined && quality > bestQuality) {
      best = format
      bestQuality = quality
    }
  }
  return best
}

function formatOf(type: string, version: string | undefined): ExpositionFormat | undefined {
  if (type === 'application/openmetrics-text') {
    return version === undefined || version === '1.0.0' || version === '0.0.1' ? 'openmetrics' : undefined
  }
  if (type === 'text/plain') return version === undefined || version === '0.0.4' ? 'text' : undefined
  return type === '*/*' || type === 'text/*' ? 'text' : undefined
}

function valueOf(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((parameter) => parameter.startsWith(`${name}=`))
  return found?.slice(name.length + 1).replaceAll('"', '')
}

function qualityOf(text: string | undefined): number {
  if (text === undefined) return 1
  const quality = Number(text)
  return text !== '' && quality >= 0 && quality <= 1 ? quality : 0
}
