/** A guard that goes by metadata, as guards of real applications do: the kind that a careless wrapper disables. */

import type { CanActivate, CustomDecorator, ExecutionContext } from '@nestjs/common'
import { Injectable, SetMetadata } from '@nestjs/common'
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest injects by the class that the constructor names
import { Reflector } from '@nestjs/core'

/** Who may call a handler. Without it, everybody. */
export const Roles = (...roles: string[]): CustomDecorator => SetMetadata('roles', roles)

/** Lets a request through whose `x-role` is among the roles of its handler. */
@Injectable()
export class RolesGuard implements CanActivate {
  readonly #reflector: Reflector

  constructor(reflector: Reflector) {
    this.#reflector = reflector
  }

  canActivate(host: ExecutionContext): boolean {
    const roles = this.#reflector.get<string[] | undefined>('roles', host.getHandler())
    const { headers } = host.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>()
    return roles === undefined || roles.includes(headers['x-role'] ?? '')
  }
}
