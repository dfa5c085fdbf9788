/** All promises there are: one module each under `promises/`, found by the name of its file. */

import { readdirSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PublishedPromise } from './promise.ts'

/** A promise and the module that tries it. */
export interface Entry {
  readonly promise: PublishedPromise
  /** The source of the module, from the root of the repository. */
  readonly source: string
}

const folder = new URL('promises/', import.meta.url)
/** `.js` once built, `.ts` in unit tests. */
const extension = extname(fileURLToPath(import.meta.url))
const module = /^[rs]\d\d-[a-z\d-]+\.[jt]s$/

/** Every promise, in the order of the numbers. Throws an Error if a module exports none, or a number not its own. */
export async function allPromises(): Promise<Entry[]> {
  return Promise.all(modules().map(load))
}

/** One promise by its number, `R3`. Throws an Error if there is none. */
export async function promiseOf(id: string): Promise<PublishedPromise> {
  const name = modules().find((file) => idOf(file) === id)
  if (name === undefined) throw new Error(`There is no promise ${id}.`)
  return (await load(name)).promise
}

function modules(): string[] {
  return readdirSync(folder)
    .filter((name) => module.test(name) && name.endsWith(extension))
    .toSorted()
}

async function load(name: string): Promise<Entry> {
  const { promise } = (await import(new URL(name, folder).href)) as { promise?: PublishedPromise }
  if (promise?.id !== idOf(name)) throw new Error(`promises/${name} exports no promise ${idOf(name)}.`)
  return { promise, source: `tests/promises/src/promises/${name.slice(0, -extension.length)}.ts` }
}

/** `r03-cardinality.js` is the module of R3. */
function idOf(file: string): string {
  return `${file[0]?.toUpperCase()}${Number(file.slice(1, 3))}`
}
