/*
 * What the rule says. Each message names the variable and the line of the derivation, and what to do about it.
 */

const remedy =
  'Declare it with `using {{name}} = …`, or cancel it in `try { … } finally { {{name}}.cancel() }`.'

/** The messages of the rule by their id. */
export const messages: Readonly<Record<string, string>> = {
  dropped:
    'The context that `{{method}}` derives here can never be cancelled, because nothing keeps it. Declare it with ' +
    '`using ctx = …`, or keep it in a variable and cancel it in `try { … } finally { ctx.cancel() }`.',
  never: `\`{{name}}\`, derived on line {{line}}, is never cancelled. ${remedy}`,
  path: `This {{jump}} may be reached without cancelling \`{{name}}\`, derived on line {{line}}. ${remedy}`,
  end: `\`{{name}}\`, derived on line {{line}}, is not cancelled on every path to the end of its block. ${remedy}`,
  overwritten:
    'This overwrites `{{name}}`, derived on line {{line}}, which may not have been cancelled. ' +
    'Cancel it before, or give each derivation a variable of its own, declared with `using`.',
  unprotected:
    'An exception from the {{what}} on line {{at}} leaves `{{name}}`, derived on line {{line}}, uncancelled. ' +
    remedy,
  suggestUsing: 'Declare `{{name}}` with `using`, which cancels it at the end of its block.',
}
