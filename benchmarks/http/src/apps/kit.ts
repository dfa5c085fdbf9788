/* kit in front of the routes, as its READMEs advise; lines go to standard output as those of the others do. */
import { kit as kitExpress } from '@kit/express'
import { kit as kitKoa } from '@kit/koa'
import { createLogger } from '@kit/log'
import type { Framework, Kind } from '../subjects.ts'
import type { Application } from './application.ts'
import { expressApp } from './express.ts'
import { koaApp } from './koa.ts'

/** The application. */
export function kitApp(framework: Framework, kind: Kind): Application {
  const log = kind === 'kit-silent' ? false : createLogger({ format: 'json', async: kind === 'kit-async' })
  return framework === 'express' ? expressApp([kitExpress({ log })]) : koaApp([kitKoa({ log })])
}
