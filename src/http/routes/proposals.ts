import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { effectOf } from '../../commands/effect.ts';
import { refusedBy } from '../../commands/requests.ts';
import { answerOnce } from '../../db/answers.ts';
import { GatewayError } from '../../lib/errors.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { proposalView } from '../bill-views.ts';
import { givenReason } from '../schemas/bills.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import { acceptance, accepted, proposal, proposalPage, proposalQuery } from '../schemas/proposals.ts';
import type { HttpParts } from '../server.ts';
import { createCommandView } from '../views.ts';

/** As long as a household's other commands wait to be sent. */
const EXPIRES_IN_S = 120;

/** What is proposed about debts. Nothing switches by itself: a person asks for the command, and the policies judge it as any other. */
export const proposalRoutes =
  ({ db, clock, audit, registry, presence, control, downlink, billing }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['bills'];
    const clerk = { roles: ['admin', 'company'] } as const;
    const { proposals } = billing.arrears;
    const commandView = createCommandView({ registry, presence, clock });

    app.get(
      '/proposals',
      {
        config: { roles: ['admin', 'operator', 'company'] },
        schema: { tags, querystring: proposalQuery, response: { 200: proposalPage } },
      },
      async (request) => {
        const page = await proposals.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(proposalView) };
      },
    );

    app.post(
      '/proposals/:id/dismiss',
      { config: clerk, schema: { tags, params: idParam, body: givenReason, response: { 200: proposal } } },
      async (request) => {
        const caller = callerOf(request);
        const { reason } = request.body;
        const { id, companyId, householdId } = await proposals.get(caller, request.params.id);
        await db.transaction().execute(async (transaction) => {
          await proposals.dismiss(transaction, caller, id, reason);
          const entry = { actor: caller.name, action: 'proposal_dismissed', subject: id, companyId } as const;
          await audit.record(transaction, { ...entry, detail: { householdId, reason } });
        });
        return proposalView(await proposals.shown(caller, id));
      },
    );

    app.post(
      '/proposals/:id/accept',
      {
        config: clerk,
        schema: {
          tags,
          description:
            'Asks for a command that takes heat away, for arrears. It is judged as any other: `held` waits for a second person; with 422 `refused_by_policy` the proposal stays open.',
          params: idParam,
          headers: idempotencyHeaders,
          body: acceptance,
          response: { 202: accepted },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const { id, companyId, householdId } = await proposals.get(caller, request.params.id);
        const { terminalId, ...asked } = request.body;
        const terminal = registry.get(caller, terminalId);
        if (terminal.householdId !== householdId) {
          throw new GatewayError('unknown_reference', `Terminal ${terminalId} is not in the household`);
        }
        const { command, value, reason } = asked;
        if (effectOf(terminal.profile, command, value) === undefined) {
          throw new GatewayError('invalid_request', `${command} ${value} takes no heat away`);
        }
        const once = { caller: caller.id, key, body: { accept: request.body, id }, now: clock.now() };
        const { answer, first } = await answerOnce(db, once, async (transaction) => {
          // Before the audit, which whoever dismisses it comes to last.
          await proposals.hold(transaction, caller, id);
          const wanted = { ...asked, purpose: 'arrears', expiresInS: EXPIRES_IN_S } as const;
          const made = await control.request(transaction, terminal, caller, wanted);
          // What was refused is on record as a command, and the proposal waits for somebody who mends what refused it.
          if (made.state === 'refused') return made;
          await proposals.accept(transaction, caller, id, { commandId: made.id, reason: reason ?? null });
          const entry = {
            actor: caller.name,
            action: 'proposal_accepted',
            subject: id,
            terminalId,
            companyId,
          } as const;
          await audit.record(transaction, { ...entry, detail: { householdId, commandId: made.id, state: made.state } });
          return made;
        });
        if (first) {
          await control.commands.announce(answer);
          downlink.kick(terminal.id);
        }
        if (answer.state === 'refused') throw refusedBy(answer);
        reply.header('location', `/api/v1/commands/${answer.id}`);
        return reply
          .code(202)
          .send({ proposal: proposalView(await proposals.shown(caller, id)), command: commandView(answer) });
      },
    );
  };
