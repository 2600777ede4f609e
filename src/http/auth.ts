import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../areas/scope.ts';
import type { Users } from '../areas/users.ts';
import type { Role } from '../db/schema.ts';
import { GatewayError } from '../lib/errors.ts';

/** Who asks, and whether the route is for that role. A route names its roles in `config`; without any it is for all who signed in. */

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Open to everybody, signed in or not. */
    public?: boolean;
    roles?: readonly Role[];
  }
}

/** The bearer token of `Authorization`. */
export const tokenOf = (request: FastifyRequest): string | undefined =>
  /^Bearer ([A-Za-z0-9_-]{20,100})$/.exec(request.headers.authorization ?? '')?.[1];

export function authenticate(app: FastifyInstance, users: Users): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    const { public: open, roles } = request.routeOptions.config;
    if (open) return;
    const token = tokenOf(request);
    const caller = token && (await users.callerOf(token));
    if (!caller) throw new GatewayError('unauthenticated');
    if (roles && !roles.includes(caller.role)) throw new GatewayError('forbidden', `${caller.role} may not do that`);
    request.caller = caller;
  });
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new GatewayError('unauthenticated');
  return request.caller;
}

/** Required on every POST that moves a valve or money. */
export function idempotencyKeyOf(request: FastifyRequest): string {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key)) throw new GatewayError('idempotency_key_required');
  return key;
}
