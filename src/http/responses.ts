import type { RouteOptions } from 'fastify';
import { problem } from './schemas/common.ts';

/** Which problems a route can answer with, for its description. */

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Any other problem comes as `default`. */
export function problemResponses({ method, url, config, schema }: RouteOptions): Record<string, object> {
  const asked = Boolean(schema?.body || schema?.querystring || schema?.params);
  const writes = [method].flat().some((one) => WRITES.has(one));
  const statuses = [
    ...(asked ? [400] : []),
    ...(config?.public ? [] : [401]),
    ...(config?.roles ? [403] : []),
    ...(schema?.params ? [404] : []),
    ...(writes && (schema?.body || schema?.params) && !config?.public ? [409] : []),
    ...(schema?.body && !config?.public ? [422] : []),
    ...(url.endsWith('/sessions') ? [401, 429] : []),
  ];
  const content = {
    description: 'Problem details (RFC 9457)',
    content: { 'application/problem+json': { schema: problem } },
  };
  return Object.fromEntries([...statuses, 'default'].map((status) => [status, content]));
}
