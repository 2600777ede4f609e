import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { isDiskFull } from '../db/database.ts';
import { GatewayError, type TroubleCode } from '../lib/errors.ts';
import type { Problem } from './schemas/common.ts';

/** The one place where errors become answers: RFC 9457 `application/problem+json` with a stable `code`. */

/** What fastify itself refuses, in our words. */
const BY_FASTIFY: Record<string, TroubleCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
};

function troubleOf(error: FastifyError): GatewayError {
  if (error instanceof GatewayError) return error;
  const known = BY_FASTIFY[error.code];
  if (known) return new GatewayError(known);
  if (error.validation) return new GatewayError('invalid_request', 'See errors');
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new GatewayError('invalid_request', error.message);
  if (isDiskFull(error)) return new GatewayError('degraded', { zh: '磁盘已满', en: 'The disk is full' });
  return new GatewayError('internal');
}

/** The limit counts by the minute. */
const RETRY_AFTER_S = 60;

function send(reply: FastifyReply, trouble: GatewayError, errors?: Problem['errors']): FastifyReply {
  const problem: Problem = {
    type: `urn:hearthgate:problem:${trouble.code}`,
    title: trouble.title,
    status: trouble.status,
    code: trouble.code,
    detail: trouble.message,
    ...(trouble.zh && { detailZh: trouble.zh }),
    ...(errors && { errors }),
    ...(trouble.rules && { rules: [...trouble.rules] }),
  };
  if (trouble.code === 'too_many_requests') reply.header('retry-after', RETRY_AFTER_S);
  // Serialised here, since routes declare no schema for every status.
  return reply.code(trouble.status).type('application/problem+json').serializer(JSON.stringify).send(problem);
}

export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply) => {
    const trouble = troubleOf(error);
    if (trouble.status >= 500) request.log.error({ err: error }, 'request failed');
    const errors = hasZodFastifySchemaValidationErrors(error)
      ? error.validation.map(({ instancePath, message }) => ({
          path: `${error.validationContext ?? ''}${instancePath}`,
          message: message ?? '',
        }))
      : undefined;
    return send(reply, trouble, errors);
  });
}

export const sendNotFound = (reply: FastifyReply): FastifyReply => send(reply, new GatewayError('not_found'));

/** For an address that cannot even be read, such as one with a broken percent code. */
export const sendBadAddress = (reply: FastifyReply): FastifyReply =>
  send(reply, new GatewayError('invalid_request', 'The address is not well formed'));
