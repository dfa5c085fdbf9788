/** Orders: a controller and its service, with a guard, a measured method, and one that gives up with its request. */

import { current, sleep } from '@kit/context'
import type { Context } from '@kit/context'
import { defaultLogger } from '@kit/log'
import {
  Controller,
  Delete,
  Get,
  Injectable,
  Module,
  NotFoundException,
  Param,
  UseGuards,
} from '@nestjs/common'
import { Measured } from './measured.ts'
import { RequestContext } from './request-context.ts'
import { Roles, RolesGuard } from './roles.ts'

const log = defaultLogger().named('orders')

@Injectable()
export class OrdersService {
  readonly #orders = new Map([['7', { id: '7', item: 'lamp' }]])

  /** Knows the request that it works for, though nobody passed it. */
  @Measured('orders.find')
  async find(id: string): Promise<{ id: string; item: string }> {
    log.info({ id }, 'looking up')
    current().throwIfDone()
    const order = this.#orders.get(id)
    if (order === undefined) throw new NotFoundException()
    return order
  }

  /** Waits for longer than any request may take, or until the request is over. */
  async report(ctx: Context): Promise<string> {
    await sleep(ctx, 60_000)
    return 'all of them'
  }
}

@Controller('orders')
@UseGuards(RolesGuard)
export class OrdersController {
  readonly #orders: OrdersService

  constructor(orders: OrdersService) {
    this.#orders = orders
  }

  @Get('report')
  report(@RequestContext() ctx: Context): Promise<string> {
    return this.#orders.report(ctx)
  }

  @Get(':id')
  find(@Param('id') id: string): Promise<{ id: string; item: string }> {
    return this.#orders.find(id)
  }

  @Delete(':id')
  @Roles('admin')
  @Measured('orders.remove')
  remove(@Param('id') id: string): { removed: string } {
    return { removed: id }
  }

  @Delete(':id/lines/:line')
  @Measured('orders.removeLine')
  @Roles('admin')
  removeLine(@Param('line') line: string): { removed: string } {
    return { removed: line }
  }
}

@Module({ controllers: [OrdersController], providers: [OrdersService] })
// oxlint-disable-next-line typescript/no-extraneous-class -- of a module, Nest reads the decorator
export class OrdersModule {}
