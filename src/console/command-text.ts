import type { Command } from '../http/schemas/commands.ts';
import type { ProfileView } from '../http/schemas/terminals.ts';
import { useLanguage, wordFor } from './i18n.ts';
import { useProfiles } from './profiles.ts';
import { withUnit } from './values.ts';

export type CommandView = ProfileView['commands'][string];

/** What a command says: 开关 → 关闭, 设定温度 → 21.5 °C. */
export function useCommandText(profile: ProfileView): (command: Pick<Command, 'command' | 'value'>) => string {
  const { t, titleOf } = useLanguage();
  const words = t('command.word', { returnObjects: true });
  return ({ command, value }) => {
    const view = profile.commands[command];
    const unit = profile.metrics[view?.confirm ?? '']?.unit ?? '';
    return t('command.arrow', {
      title: view ? titleOf(view.title) : command,
      value: typeof value === 'number' ? withUnit(value, unit) : wordFor(words, value),
    });
  };
}

/** The same where the terminal's profile is not known: a command's name means the same in every profile. */
export function useAnyCommandText(): (command: Pick<Command, 'command' | 'value'>) => string {
  const profiles = useProfiles();
  const { t, titleOf } = useLanguage();
  const words = t('command.word', { returnObjects: true });
  return ({ command, value }) => {
    const view = [...profiles.values()].map((profile) => profile.commands[command]).find((each) => each !== undefined);
    return t('command.arrow', {
      title: view ? titleOf(view.title) : command,
      value: typeof value === 'number' ? String(value) : wordFor(words, value),
    });
  };
}
