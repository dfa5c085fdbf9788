/** Request targets that Node's HTTP/1 parser lets through and that a URL parser, or a decoder, does not take. */
export const hostileTargets: readonly string[] = [
  '//',
  '///',
  '//[',
  '/\\',
  'http://',
  'http://[',
  'http://%00/',
  'http://a:99999/',
  '/%',
  '/items/%ff',
  '*',
]
