/** The context of a request as an argument of a handler, the same on Express and on Fastify. */

import type { Context } from '@kit/context'
import type { ExecutionContext } from '@nestjs/common'
import { createParamDecorator } from '@nestjs/common'

/** `get(@RequestContext() ctx: Context)`. Deeper down, where no request is at hand, it is `current()`. */
export const RequestContext: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, host: ExecutionContext): Context => host.switchToHttp().getRequest<{ ctx: Context }>().ctx,
)
