import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { answer, seal, statusOfSealed } from './answer.ts'

it('says what it is and forbids sniffing and caching, whatever was meant to be sent', () => {
  const res = new ServerResponse(new IncomingMessage(new Socket()))
  res.setHeader('content-type', 'text/html')
  res.setHeader('content-encoding', 'gzip')
  res.setHeader('cache-control', 'public')
  res.setHeader('set-cookie', ['a=b'])
  res.setHeader('x-request-id', 'r-1')
  answer(res, 503)
  expect({ ...res.getHeaders() }).toEqual({
    'content-type': 'text/plain; charset=utf-8',
    'content-length': 20,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': 'r-1',
  })
})

it('is sealed once, by whoever is first: a deadline and the end of a drain may both come', () => {
  const res = new ServerResponse(new IncomingMessage(new Socket()))
  expect(statusOfSealed(res)).toBeUndefined()
  const told: string[] = []
  answer(res, 504)
  seal(res, () => told.push('first'))
  answer(res, 503)
  seal(res, () => told.push('second'))
  res.writeHead(200).end('late')
  expect([statusOfSealed(res), told]).toEqual([504, ['first']])
})
