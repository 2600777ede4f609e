import { GatewayError } from '../lib/errors.ts';
import { commandNumber } from '../terminals/encode.ts';
import type { CommandDefinition } from '../terminals/profile.ts';
import type { Terminal } from '../terminals/registry.ts';

/** Whether a command may be given at all. Throws the refusal. */
export function checkAllowed(terminal: Terminal, command: string, value: string | number): CommandDefinition {
  const definition = Object.hasOwn(terminal.profile.commands, command) ? terminal.profile.commands[command] : undefined;
  if (!definition) {
    const known = Object.keys(terminal.profile.commands).join(', ') || 'none';
    throw new GatewayError('unknown_command', {
      zh: `${terminal.profile.profile} 只有：${known}`,
      en: `${terminal.profile.profile} takes: ${known}`,
    });
  }
  if (commandNumber(definition, value) === undefined) {
    const { values, range } = definition;
    const allowed = values
      ? Object.keys(values).join(', ')
      : `${range?.min} … ${range?.max} in steps of ${range?.step}`;
    throw new GatewayError('value_not_allowed', {
      zh: `${command} 可用的值：${allowed}`,
      en: `${command} takes: ${allowed}`,
    });
  }
  return definition;
}
