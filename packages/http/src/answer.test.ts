import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { answer, seal, statusOfSealed } from './answer.ts'

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
