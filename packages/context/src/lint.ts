/*
 * A plugin for ESLint and for oxlint's `jsPlugins`, with the rule `lost-cancel`. It depends on neither of them, and
 * nothing else of the package depends on it.
 */
import { createRequire } from 'node:module'
import type { Rule } from './lint/linter.ts'
import { lostCancel } from './lint/rule.ts'

export type { Rule } from './lint/linter.ts'

/** An ESLint plugin: its name, its rules, and a configuration to take over whole. */
export interface Plugin {
  readonly meta: { readonly name: string; readonly version: string }
  readonly rules: { readonly 'lost-cancel': Rule }
  readonly configs: { readonly recommended: FlatConfig }
}

/** One entry of an `eslint.config.js`. */
export interface FlatConfig {
  readonly name: string
  readonly plugins: Record<string, Plugin>
  readonly rules: Record<string, 'error'>
}

const name = '@kit/context'
const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

/** The plugin. In ESLint add `plugin.configs.recommended` to the configuration. */
export const plugin: Plugin = {
  meta: { name, version },
  rules: { 'lost-cancel': lostCancel },
  configs: {
    // A getter, because the configuration contains the plugin that contains it.
    get recommended(): FlatConfig {
      return {
        name: `${name}/recommended`,
        plugins: { [name]: plugin },
        rules: { [`${name}/lost-cancel`]: 'error' },
      }
    },
  },
}

// oxlint-disable-next-line import/no-default-export -- both linters load a plugin from the default export
export default plugin
