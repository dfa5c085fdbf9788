import { describe, expect, it } from 'vitest'
import { UsageError, readArgs, usage } from './args.ts'

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')

describe('what is asked for', () => {
  it('has a default for everything', () => {
    const { variant, limitMs, plan, help } = readArgs([])
    expect({ variant, limitMs, help }).toEqual({ variant: 'cancel', limitMs: Infinity, help: false })
    expect(plan).toEqual({ workers: 10_000, range: 100_000, draws: 100, find: 62_707, seed: 1 })
  })

  it.each([
    ['cancel', 'cancel', Infinity],
    ['deadline', 'deadline', 5000],
    ['timeout', 'timeout', 2000],
    ['deadline --in 500ms', 'deadline', 500],
    ['--in=2m deadline', 'deadline', 120_000],
    ['timeout --after 1.5s', 'timeout', 1500],
    ['timeout --after 1s --after 2s', 'timeout', 2000],
    ['-- timeout --after 24m', 'timeout', 1_440_000],
  ])('%s', (line, variant, limitMs) => {
    expect(readArgs(words(line))).toMatchObject({ variant, limitMs })
  })

  it('reads numbers', () => {
    const { plan } = readArgs(words('--workers 3 --range 7 --draws 5 --find 6 --seed 0'))
    expect(plan).toEqual({ workers: 3, range: 7, draws: 5, find: 6, seed: 0 })
  })

  it('searches for another number with another seed, and for the same with the same', () => {
    const find = (seed: number): number => readArgs(['--seed', String(seed)]).plan.find
    expect([find(7), find(8)]).toEqual([find(7), find(8)])
    expect(find(7)).not.toBe(find(8))
  })

  it.each(['--help', '-h', 'timeout --help'])('%s asks for help', (line) => {
    expect(readArgs(words(line)).help).toBe(true)
  })

  it('describes every option', () => {
    for (const option of ['in', 'after', 'workers', 'range', 'draws', 'find', 'seed', 'help']) {
      expect(usage).toContain(`--${option}`)
    }
  })
})

describe('what cannot be understood', () => {
  const workers = '--workers takes a whole number from 1 to 1000000; got '
  const span = ' takes a span of time such as 500ms, 5s or 2m, up to 24 hours; got '

  it.each([
    ['--workers 0', `${workers}"0"`],
    ['--workers -5', `${workers}"-5"`],
    ['--workers NaN', `${workers}"NaN"`],
    ['--workers Infinity', `${workers}"Infinity"`],
    ['--workers 1.5', `${workers}"1.5"`],
    ['--workers 1e3', `${workers}"1e3"`],
    ['--workers 0x10', `${workers}"0x10"`],
    ['--workers 1000001', `${workers}"1000001"`],
    ['--workers', `${workers}nothing`],
    ['--workers=', `${workers}nothing`],
    ['--workers --seed 1', `${workers}nothing`],
    ['--range 0', '--range takes a whole number from 1 to 4294967296; got "0"'],
    ['--draws 0', '--draws takes a whole number from 1 to 1000000000; got "0"'],
    ['--seed -1', '--seed takes a whole number from 0 to 4294967295; got "-1"'],
    ['--range 10 --find 10', '--find takes a whole number from 0 to 9 (--range less 1); got "10"'],
    ['deadline --in 0s', `--in${span}"0s"`],
    ['deadline --in -5s', `--in${span}"-5s"`],
    ['deadline --in 5', `--in${span}"5"`],
    ['deadline --in 5h', `--in${span}"5h"`],
    ['deadline --in 1441m', `--in${span}"1441m"`],
    ['deadline --in', `--in${span}nothing`],
    ['timeout --after soon', `--after${span}"soon"`],
    ['timeout --after Infinityms', `--after${span}"Infinityms"`],
    ['cancel --in 5s', '--in belongs to deadline; cancel does not take it'],
    ['--after 5s', '--after belongs to timeout; cancel does not take it'],
    ['timeout --in 5s', '--in belongs to deadline; timeout does not take it'],
    ['--wrokers 5', 'there is no option --wrokers; --help lists them'],
    ['-x', 'there is no option -x; --help lists them'],
    ['--constructor', 'there is no option --constructor; --help lists them'],
    ['--no-help', 'there is no option --no-help; --help lists them'],
    ['--help=yes', '--help takes no value'],
    ['dedline', 'there is cancel, deadline or timeout; got "dedline"'],
    ['cancel timeout', 'one of cancel, deadline or timeout is enough; got "timeout" as well'],
  ])('%s', (line, message) => {
    const read = (): unknown => readArgs(words(line))
    expect(read).toThrow(UsageError)
    expect(read).toThrow(expect.objectContaining({ message }))
  })
})
