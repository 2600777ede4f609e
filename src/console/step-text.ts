import type { Command } from '../http/schemas/commands.ts';
import type { Connection, ProfileView } from '../http/schemas/terminals.ts';
import { type T, useLanguage, wordFor } from './i18n.ts';
import { valueText, type Words } from './values.ts';

type Step = Command['history'][number];

/** The names of protocols are the same in every language. */
export const WIRES: Record<Connection['type'], string> = { mqtt: 'MQTT', modbus: 'Modbus', meter: 'RS-485' };

/** How the gateway writes which reading showed a command: `power_on = 0`. */
const READING = /^(\w+) = (-?\d[\d.e+-]*)$/;

/** In words of the first profile that knows the metric: its name means the same in each. */
export function readingText(words: Words, profiles: ProfileView[], detail: string): string {
  const [, metric = '', value] = READING.exec(detail) ?? [];
  const view = profiles.map(({ metrics }) => metrics[metric]).find((one) => one !== undefined);
  return view ? `${words.titleOf(view.title)} = ${valueText(words, metric, view, Number(value))}` : detail;
}

export function useStepText(profile: ProfileView, { rules }: Command): (step: Step) => string {
  const { t, titleOf } = useLanguage();
  const detailText = ({ cause, detail }: Step): string | null => {
    if (detail === null) return null;
    // Codes, whose words the command has.
    if (cause === 'policy') return rules.map(titleOf).join(' ');
    if (cause === 'sent') return wordFor(WIRES, detail);
    // The newer one is in the list itself; its id says nothing to a person.
    if (cause === 'superseded') return null;
    return cause === 'reading' || cause === 'contradicted' ? readingText({ t, titleOf }, [profile], detail) : detail;
  };
  return (step) => stepText(t, step, detailText(step));
}

function stepText(t: T, { cause }: Step, detail: string | null): string {
  const words = t(`command.causes.${cause}`);
  return detail === null ? words : t('command.causeDetail', { cause: words, detail });
}
