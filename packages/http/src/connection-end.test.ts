import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { joinConnection, leaveConnection, lookAtConnections } from './connection-end.ts'
import type { OnConnection } from './connection-end.ts'

class Request implements OnConnection {
  looks = 0
  ends = 0

  look(): void {
    this.looks += 1
  }

  closed(): void {
    this.ends += 1
  }
}

function opened(count: number): { socket: Socket; requests: Request[] } {
  const socket = new Socket()
  const requests = Array.from({ length: count }, () => new Request())
  for (const one of requests) joinConnection(socket, one)
  return { socket, requests }
}

const looks = (requests: readonly Request[]): number[] => {
  lookAtConnections()
  return requests.map((one) => one.looks)
}

it('has those look that are under way, and no others', () => {
  const { socket, requests } = opened(3)
  const [first, second, third] = requests as [Request, Request, Request]
  expect(looks(requests)).toEqual([1, 1, 1])
  leaveConnection(socket, first)
  leaveConnection(socket, first)
  expect(looks(requests)).toEqual([1, 2, 2])
  joinConnection(socket, first)
  leaveConnection(socket, second)
  leaveConnection(socket, third)
  expect(looks(requests)).toEqual([2, 2, 2])
  leaveConnection(socket, first)
  expect(looks(requests)).toEqual([2, 2, 2])
})

it('tells those that are under way when the connection closes, and has nobody look after that', async () => {
  const { socket, requests } = opened(3)
  for (const one of requests.slice(1, 2)) leaveConnection(socket, one)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.destroy()
  await closed
  expect(requests.map(({ ends }) => ends)).toEqual([1, 0, 1])
  expect(looks(requests)).toEqual([0, 0, 0])
})

it('listens to a connection once, however many requests it carries', () => {
  const { socket, requests } = opened(5)
  for (const one of requests) leaveConnection(socket, one)
  for (const one of requests.slice(0, 1)) joinConnection(socket, one)
  expect(socket.listenerCount('close')).toBe(1)
  socket.destroy()
})
