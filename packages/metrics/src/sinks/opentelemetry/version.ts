/** The version of this package, as the scope of what it reports. */

import { createRequire } from 'node:module'

/** Undefined where the manifest is not beside the code, as in a bundle. */
export const version: string | undefined = readVersion()

function readVersion(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url)('../../../package.json') as {
      name: string
      version: string
    }
    return manifest.name === '@kit/metrics' ? manifest.version : undefined
  } catch {
    return undefined
  }
}
