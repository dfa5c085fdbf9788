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

/** Values that a header can hold and a request id must not. */
export const hostileRequestIds: readonly string[] = [
  'a b',
  'a,b',
  '"quoted"',
  '<script>',
  '${jndi:ldap://x}',
  '../../etc/passwd',
  'caf\u00e9',
  'a'.repeat(1000),
]
