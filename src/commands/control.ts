import { openCommands } from './commands.ts';

/** Everything that decides over commands and keeps them, put together. */

export async function openControl(parts: Parameters<typeof openCommands>[0]) {
  const commands = await openCommands(parts);
  return { commands };
}
export type Control = Awaited<ReturnType<typeof openControl>>;
