/*
 * The interface between the rule and the linter that runs it: the parts that ESLint (9 and later) and oxlint's
 * `jsPlugins` have in common.
 */
import type { Node } from './syntax.ts'

/** A rule as ESLint and oxlint load it. */
export interface Rule {
  readonly meta: {
    readonly type: 'problem'
    readonly docs: { readonly description: string; readonly recommended: boolean }
    readonly hasSuggestions: boolean
    readonly messages: Readonly<Record<string, string>>
    readonly schema: Readonly<Record<string, unknown>>[]
  }
  /**
   * Called once a file; answers what to call for which type of node. The context is a `RuleContext`: it is `never` here
   * so that a rule fits the types of every version of ESLint, whatever they say about theirs.
   */
  create(context: never): Record<string, (node: Node) => void>
}

/** What a rule is given for one file. */
export interface RuleContext {
  readonly options: readonly unknown[]
  readonly sourceCode: SourceCode
  report(report: Report): void
}

/** One finding. */
export interface Report {
  readonly node: Node
  readonly messageId: string
  readonly data?: Readonly<Record<string, string>>
  readonly suggest?: Suggestion[]
}

/** A change that an editor offers; it may alter what the program does, so it is never made unasked. */
export interface Suggestion {
  readonly messageId: string
  readonly data?: Readonly<Record<string, string>>
  fix(fixer: Fixer): unknown
}

/** Makes the edits of a suggestion. */
export interface Fixer {
  replaceTextRange(range: [number, number], text: string): unknown
}

/** The file that is linted. */
export interface SourceCode {
  readonly ast: Node
  /** The fields with children, by type of node, in the order of the source. */
  readonly visitorKeys: Readonly<Record<string, readonly string[] | undefined>>
  getScope(node: Node): Scope
  getDeclaredVariables(node: Node): Variable[]
}

/** A scope: the region of the source in which its variables are known. */
export interface Scope {
  readonly block: Node
  readonly set: ReadonlyMap<string, Variable>
  readonly upper: Scope | null
}

/** A variable with everything in the file that refers to it. */
export interface Variable {
  readonly name: string
  readonly scope: Scope
  readonly defs: readonly { readonly type: string; readonly name: Node; readonly node: Node }[]
  readonly references: readonly Reference[]
}

/** One mention of a variable. */
export interface Reference {
  readonly identifier: Node
  isRead(): boolean
  isWrite(): boolean
}

/** The variable that an identifier means where it stands; undefined for globals and undeclared names. */
export function resolve(source: SourceCode, identifier: Node): Variable | undefined {
  const name = String(identifier['name'])
  for (let scope: Scope | null = source.getScope(identifier); scope; scope = scope.upper) {
    const variable = scope.set.get(name)
    if (variable && variable.defs.length > 0) return variable
  }
  return undefined
}
