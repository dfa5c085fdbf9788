import { afterEach, describe, expect, it, vi } from 'vitest'
import { Board } from './board.ts'

afterEach(() => {
  vi.useRealTimers()
})

function screen(isTTY: boolean): {
  isTTY: boolean
  columns: number
  text: string
  write(text: string): void
} {
  return {
    isTTY,
    columns: 40,
    text: '',
    write(text) {
      this.text += text
    },
  }
}

const ended = {
  tone: 'good',
  word: 'kept',
  name: 'R3',
  seconds: 2.04,
  text: 'Label values are bounded.',
} as const

describe('without a terminal', () => {
  it('a line for each that has ended, its details below it, and nothing that moves', () => {
    const out = screen(false)
    const board = new Board(out, 1)
    board.start('R3', 'Label values are bounded.')
    board.progress('R3', { done: 1, total: 2, unit: 'values' })
    board.end({ ...ended, details: ['one\ntwo'] })
    board.close()
    expect(out.text).toBe('kept     R3      2.0 s  Label values are bounded.\n         one\n         two\n')
  })

  it('what takes long says now and then how far it is', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const out = screen(false)
    const board = new Board(out, 1)
    board.start('R4', 'Dead sinks')
    vi.advanceTimersByTime(29_000)
    board.progress('R4', { done: 1, total: 4, unit: 'sinks' })
    vi.advanceTimersByTime(2_000)
    board.progress('R4', { done: 2, total: 4, unit: 'sinks' })
    vi.advanceTimersByTime(2_000)
    board.progress('R4', { done: 3, total: 4, unit: 'sinks' })
    board.close()
    expect(out.text).toBe('running  R4       31 s  ████████░░░░░░░░ 2 of 4 sinks\n')
  })

  it('what is quoted from an attack cannot steer a terminal', () => {
    const out = screen(false)
    new Board(out, 1).end({ ...ended, details: ['\u001B[2J\u009B1A'] })
    expect(out.text).toContain('         \uFFFD[2J\uFFFD1A\n')
  })
})

describe('in a terminal', () => {
  it('what runs is one line that fits, below what has ended, and is taken away when all is done', () => {
    const out = screen(true)
    const board = new Board(out, 2, {})
    board.start('R3', 'x'.repeat(100))
    const lines = out.text.split('\n')
    expect(lines[0]).toHaveLength(40)
    expect(lines[1]).toBe('         0 of 2')
    out.text = ''
    board.end(ended)
    expect(out.text).toBe(
      '\u001B[2A\u001B[J\u001B[32mkept    \u001B[0m R3      2.0 s  Label values ar…\n         1 of 2\n',
    )
    out.text = ''
    board.close()
    expect(out.text).toBe('\u001B[1A\u001B[J')
  })

  it('colors are left out for those who asked for that', () => {
    const out = screen(true)
    const board = new Board(out, 1, { NO_COLOR: '1' })
    board.end(ended)
    board.close()
    expect(out.text).toContain('\nkept     R3'.slice(1))
  })
})
