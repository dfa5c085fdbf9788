/** `@kit/metrics/url`: a sink from a URL, so that a deployment can choose it. */

export { sinkFromUrl, type UrlSink } from './sink-from-url.ts'
