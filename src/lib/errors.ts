import { inLanguage, type Text } from './text.ts';

/** Every trouble that a request can meet: its HTTP status and its title. The code is part of the API and never changes. */
const TROUBLES = {
  invalid_request: [400, 'The request does not fit the schema'],
  idempotency_key_required: [400, 'The header Idempotency-Key is required here'],
  unauthenticated: [401, 'Sign in first'],
  wrong_credentials: [401, 'User name or password is wrong'],
  forbidden: [403, 'This role may not do that'],
  own_request: [403, 'Who asked for it cannot be the second person'],
  not_found: [404, 'There is nothing here that you may see'],
  conflict: [409, 'It exists already'],
  in_use: [409, 'Something still refers to it'],
  wrong_state: [409, 'Its state does not allow that'],
  changed_since: [409, 'Somebody has changed it since; look again'],
  clock_differs: [409, 'The gateway’s clock says another time'],
  not_enough_money: [409, 'The account does not hold that much'],
  paid_already: [409, 'The household has paid this amount with this reference already'],
  body_too_large: [413, 'The body is larger than the limit'],
  unsupported_media_type: [415, 'Send application/json'],
  unknown_reference: [422, 'It names something that does not exist'],
  unknown_profile: [422, 'No such profile'],
  unknown_command: [422, 'The terminal’s profile has no such command'],
  refused_by_policy: [422, 'A rule of the policy refuses it'],
  value_not_allowed: [422, 'The profile does not allow this value'],
  provider_off: [422, 'This payment provider is not set up'],
  provider_refused: [409, 'The payment provider refused it'],
  wrong_claim: [422, 'No terminal waits with this id and code'],
  idempotency_key_reused: [422, 'This Idempotency-Key was used with another body'],
  too_many_requests: [429, 'Too many requests; wait and try again'],
  internal: [500, 'The gateway failed; the log says why'],
  provider_unavailable: [503, 'The payment provider does not answer'],
  degraded: [503, 'The gateway cannot do that now'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type TroubleCode = keyof typeof TROUBLES;

/** A request's trouble: shown to the caller, never retried, never a bug. */
export class GatewayError extends Error {
  readonly code: TroubleCode;
  /** Of one that a policy refuses: the rules, with their words. */
  readonly rules: readonly { rule: string; zh: string; en: string }[] | undefined;

  /** In Chinese, where somebody who works at the console may see it. */
  readonly zh: string | undefined;

  constructor(code: TroubleCode, detail: Text = TROUBLES[code][1], rules?: GatewayError['rules']) {
    super(inLanguage(detail, 'en'));
    this.name = 'GatewayError';
    this.code = code;
    this.zh = typeof detail === 'string' ? undefined : detail.zh;
    this.rules = rules;
  }

  get status(): number {
    return TROUBLES[this.code][0];
  }

  get title(): string {
    return TROUBLES[this.code][1];
  }
}
