/*
 * The change that an editor offers: `const ctx = …` becomes `using ctx = …`.
 */
import type { SourceCode, Suggestion } from './linter.ts'
import type { Node } from './syntax.ts'
import { children, unwrap } from './syntax.ts'
import type { Uses } from './uses.ts'

/**
 * The suggestion, if `using` is allowed where the variable is declared and ends it no earlier than anybody may want
 * it: the variable has one value, which is the derived context, and is not handed to what outlives the block.
 */
export function suggestUsing(
  call: Node,
  store: Node,
  uses: Uses,
  source: SourceCode,
): Suggestion[] | undefined {
  const declarator = store.parent
  const declaration = declarator?.parent
  const init = declarator?.['init']
  if (!declaration || declarator.type !== 'VariableDeclarator' || uses.escapes || uses.writes.size > 1) {
    return undefined
  }
  if (typeof init !== 'object' || init === null || unwrap(init as Node) !== unwrap(call)) return undefined
  const kind = declaration['kind']
  if ((kind !== 'const' && kind !== 'let') || children(declaration, 'declarations').length > 1)
    return undefined
  if (!isAllowedIn(declaration.parent, source)) return undefined
  const [start] = declaration.range
  return [
    {
      messageId: 'suggestUsing',
      data: { name: String(store['name']) },
      fix: (fixer) => fixer.replaceTextRange([start, start + kind.length], 'using'),
    },
  ]
}

/** `using` may not stand in a `case`, nor at the top level of a script. */
function isAllowedIn(place: Node | null | undefined, source: SourceCode): boolean {
  if (place?.type === 'Program') return source.ast['sourceType'] === 'module'
  return place?.type === 'BlockStatement' || place?.type === 'StaticBlock'
}
