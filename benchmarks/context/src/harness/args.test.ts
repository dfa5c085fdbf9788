import { describe, expect, it } from 'vitest'
import { BadArgument, readArgs } from './args.ts'
import { findNodes } from './nodes.ts'

const matrix = new URL('../../../../tests/matrix/package.json', import.meta.url)

describe('arguments', () => {
  it('have defaults', () => {
    expect(readArgs([])).toEqual({
      nodes: [],
      lines: [],
      rounds: 30,
      only: '',
      quick: false,
      seed: 1,
      json: undefined,
      markdown: undefined,
      check: false,
      help: false,
    })
    expect(readArgs([], 16).rounds).toBe(16)
    expect(readArgs(['--quick'], 16).rounds).toBe(6)
    expect(readArgs(['--quick', '--rounds', '9']).rounds).toBe(9)
  })

  it('can be repeated where that makes sense', () => {
    const args = readArgs(['--', '--line', '24', '--line=26', '--node', 'a', '--node', 'b', '--check'])
    expect(args).toMatchObject({ lines: ['24', '26'], nodes: ['a', 'b'], check: true })
  })

  it.each([
    [['--line', '18'], '--line must be one of 20, 22, 24, 26; got "18".'],
    [['--rounds', '1'], '--rounds must be a whole number from 2 to 1000; got "1".'],
    [['--rounds', '1e2'], '--rounds must be a whole number from 2 to 1000; got "1e2".'],
    [['--rounds', ''], '--rounds must be a whole number from 2 to 1000; got "".'],
    [['--seed', '-1'], /seed/],
    [['--fast'], /--fast/],
    [['derive'], /derive/],
    [['--json'], /--json/],
  ])('%j are refused', (argv, message) => {
    expect(() => readArgs(argv)).toThrow(BadArgument)
    expect(() => readArgs(argv)).toThrow(message)
  })
})

describe('binaries', () => {
  it('are the one that runs this unless others are asked for', () => {
    const [own, ...others] = findNodes([], [], matrix)
    expect(own).toMatchObject({ path: process.execPath, version: process.versions.node })
    expect(others).toEqual([])
    expect(own?.major).toBe(Number.parseInt(process.versions.node, 10))
  })

  it('have to exist and to be Node', () => {
    expect(() => findNodes(['/no/such/node'], [], matrix)).toThrow(
      /--node \/no\/such\/node is no Node that runs/,
    )
    expect(() => findNodes([], ['7'], matrix)).toThrow(/--line 7: no binary of this line is installed/)
  })
})
