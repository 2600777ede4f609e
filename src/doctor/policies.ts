import { loadPolicies, policyState } from '../commands/policies.ts';
import { HOLIDAY_DAYS, policiesSeen } from '../health/checks.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';

/** Whether there is a policy in force, and whether it knows the holidays of the coming days. */
export function policiesFinding(folder: string, now: number): Finding {
  try {
    const seen = policiesSeen(policyState(loadPolicies(folder), now));
    const detail = seen.detail ?? '';
    if (seen.state === 'ok') return ok('policies', detail);
    return warn('policies', detail, {
      zh: `在 ${folder} 中写上生效的策略，以及今后 ${HOLIDAY_DAYS} 天的节假日（holidays.days 和 until）`,
      en: `see that a policy in ${folder} has begun, and that it has the holidays of the next ${HOLIDAY_DAYS} days (holidays.days and until)`,
    });
  } catch (error) {
    return fail('policies', messageOf(error), { zh: '更正所指出的文件', en: 'correct the file that it names' });
  }
}
