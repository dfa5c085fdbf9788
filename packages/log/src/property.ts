// Reading a property of an object about which nothing is known. The one place that tells the compiler so.

/** `source[key]`. Throws whatever a getter or a proxy throws. */
export function property(source: object, key: string): unknown {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any object may be asked for any key
  return (source as Readonly<Record<string, unknown>>)[key]
}
