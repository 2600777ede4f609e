import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { checkAllowed } from '../../commands/policy.ts';
import { answerOnce } from '../../db/answers.ts';
import { GatewayError } from '../../lib/errors.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { commandPage, commandQuery, command as commandSchema, newCommand } from '../schemas/commands.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import { terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { createCommandView } from '../views.ts';

export const commandRoutes =
  ({ db, clock, registry, presence, control: { commands }, downlink }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const commandView = createCommandView({ registry, presence, clock });
    const switcher = { roles: ['admin', 'company'] } as const;

    app.post(
      '/terminals/:id/commands',
      {
        config: switcher,
        schema: {
          tags: ['commands'],
          description: 'Asks for a command. Only `confirmed` means that it happened.',
          params: z.strictObject({ id: terminalId }),
          headers: idempotencyHeaders,
          body: newCommand,
          response: { 202: commandSchema },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const terminal = registry.get(caller, request.params.id);
        checkAllowed(terminal, request.body.command, request.body.value);
        const { answer, first } = await answerOnce(
          db,
          { caller: caller.id, key, body: { command: request.body, id: terminal.id }, now: clock.now() },
          (transaction) => commands.create(transaction, terminal, caller, request.body),
        );
        if (first) {
          await commands.announce(answer);
          downlink.kick(terminal.id);
        }
        reply.header('location', `/api/v1/commands/${answer.id}`);
        return reply.code(202).send(commandView(answer));
      },
    );

    app.get(
      '/commands',
      { schema: { tags: ['commands'], querystring: commandQuery, response: { 200: commandPage } } },
      async (request) => {
        const page = await commands.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(commandView) };
      },
    );

    app.get(
      '/commands/:id',
      { schema: { tags: ['commands'], params: idParam, response: { 200: commandSchema } } },
      async (request) => commandView(await commands.get(callerOf(request), request.params.id)),
    );

    app.post(
      '/commands/:id/cancel',
      { config: switcher, schema: { tags: ['commands'], params: idParam, response: { 200: commandSchema } } },
      async (request) => {
        const caller = callerOf(request);
        const command = await commands.get(caller, request.params.id);
        const cancelled = await commands.step(command, 'cancel', 'cancelled', caller.name, { by: caller.name });
        if (!cancelled)
          throw new GatewayError('wrong_state', `The command is ${command.state} and cannot be cancelled`);
        downlink.kick(command.terminalId);
        return commandView(cancelled);
      },
    );
  };
