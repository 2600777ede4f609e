import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { checkAllowed } from '../../commands/policy.ts';
import { refusedBy } from '../../commands/requests.ts';
import { answerOnce } from '../../db/answers.ts';
import { GatewayError } from '../../lib/errors.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import {
  commandPage,
  commandQuery,
  command as commandSchema,
  decision,
  judgement,
  judgementQuery,
  newCommand,
} from '../schemas/commands.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import { terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { createCommandView } from '../views.ts';

const terminalParam = z.strictObject({ id: terminalId });

export const commandRoutes =
  ({ db, clock, registry, presence, control, downlink }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { commands } = control;
    const commandView = createCommandView({ registry, presence, clock });
    const switcher = { roles: ['admin', 'company'] } as const;

    app.post(
      '/terminals/:id/commands',
      {
        config: switcher,
        schema: {
          tags: ['commands'],
          description:
            'Asks for a command. Only `confirmed` means that it happened; `held` waits for a second person; 422 `refused_by_policy` names the rules.',
          params: terminalParam,
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
          (transaction) => control.request(transaction, terminal, caller, request.body),
        );
        if (first) {
          await commands.announce(answer);
          downlink.kick(terminal.id);
        }
        // What was refused is on record as well.
        if (answer.state === 'refused') throw refusedBy(answer);
        reply.header('location', `/api/v1/commands/${answer.id}`);
        return reply.code(202).send(commandView(answer));
      },
    );

    app.get(
      '/terminals/:id/commands/judgement',
      {
        config: switcher,
        schema: {
          tags: ['commands'],
          description: 'What would become of a command if it were asked for now. Nothing is sent or kept.',
          params: terminalParam,
          querystring: judgementQuery,
          response: { 200: judgement },
        },
      },
      async (request) => {
        const terminal = registry.get(callerOf(request), request.params.id);
        const { command, value, ...rest } = request.query;
        const isWord = terminal.profile.commands[command]?.values !== undefined;
        return control.preview(terminal, { ...rest, command, value: isWord ? value : Number(value) });
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
          throw new GatewayError('wrong_state', {
            zh: '指令已不能撤销',
            en: `The command is ${command.state} and cannot be cancelled`,
          });
        downlink.kick(command.terminalId);
        return commandView(cancelled);
      },
    );

    const secondPerson = {
      config: switcher,
      schema: { tags: ['commands'], params: idParam, body: decision.nullish(), response: { 200: commandSchema } },
    };

    // Decided twice is decided once: the state sees to it, so these need no key.
    app.post(
      '/commands/:id/approve',
      {
        ...secondPerson,
        schema: {
          ...secondPerson.schema,
          description:
            'A second person, not who asked, allows a held command. It is judged once more, and its time to be sent begins now.',
        },
      },
      async (request) => {
        const approved = await control.approve(callerOf(request), request.params.id, request.body ?? {});
        downlink.kick(approved.terminalId);
        return commandView(approved);
      },
    );

    app.post('/commands/:id/refuse', secondPerson, async (request) =>
      commandView(await control.refuse(callerOf(request), request.params.id, request.body ?? {})),
    );
  };
