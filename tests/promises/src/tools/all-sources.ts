/** What a promise speaks of that is about all of the packages. */

import { readdirSync } from 'node:fs'

const packages = new URL('../../../../packages/', import.meta.url)

/** The folder of the sources of every package, from the root of the repository. */
export const allSources: readonly string[] = readdirSync(packages).map((name) => `packages/${name}/src`)
