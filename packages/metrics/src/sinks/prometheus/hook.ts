/**
 * Hooks into an object that is somebody else's.
 */

type Method = (this: unknown, ...args: unknown[]) => unknown

/**
 * Has `before` run at the beginning of each of the methods that the object has, of these names. Returns what undoes
 * it, for each method that nobody has hooked into since; `before` is then for the caller to keep still.
 */
export function hookMethods(object: object, names: readonly string[], before: () => void): () => void {
  const target = object as Record<string, unknown>
  const undo: (() => void)[] = []
  for (const name of names) {
    const original = target[name]
    if (typeof original !== 'function') continue
    const own = Object.getOwnPropertyDescriptor(target, name)
    const hooked: Method = function (...args) {
      before()
      return (original as Method).apply(this, args)
    }
    Object.defineProperty(target, name, { value: hooked, configurable: true, writable: true })
    undo.push(() => {
      if (target[name] !== hooked) return
      if (own === undefined) delete target[name]
      else Object.defineProperty(target, name, own)
    })
  }
  return () => {
    for (const one of undo) one()
  }
}
