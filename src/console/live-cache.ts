import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import type { Batch } from '../http/schemas/batches.ts';
import type { Command } from '../http/schemas/commands.ts';
import type { Alarm, LiveEvent } from '../http/schemas/live.ts';
import type { Terminal } from '../http/schemas/terminals.ts';
import type { Page } from './api.ts';
import { CACHE } from './queries.ts';

type Pages<T> = InfiniteData<Page<T>>;
type TerminalEvent = Extract<LiveEvent, { event: 'reading' | 'status' }>;

const isLater = (time: string, than: string | null): boolean => than === null || Date.parse(time) >= Date.parse(than);

/** A reading's own time decides what is latest: late data must not push newer data out. */
function withEvent(terminal: Terminal, live: TerminalEvent): Terminal {
  if (live.event === 'status') return { ...terminal, status: live.status };
  const values = { ...terminal.values };
  for (const [metric, value] of Object.entries(live.values)) {
    if (isLater(live.time, values[metric]?.time ?? null)) values[metric] = { value, time: live.time };
  }
  const lastSeenAt = isLater(live.time, terminal.lastSeenAt) ? live.time : terminal.lastSeenAt;
  return { ...terminal, values, lastSeenAt };
}

/** Leaves the object as it is when nothing in it changed, so that nothing is drawn again. */
function mapItems<T>(data: Pages<T>, change: (item: T) => T): Pages<T> {
  let changed = false;
  const pages = data.pages.map((page) => {
    const items = page.items.map(change);
    if (items.every((item, index) => item === page.items[index])) return page;
    changed = true;
    return { ...page, items };
  });
  return changed ? { ...data, pages } : data;
}

function applyToTerminals(client: QueryClient, events: TerminalEvent[]): void {
  const byTerminal = Map.groupBy(events, (live) => live.terminalId);
  const change = (terminal: Terminal): Terminal => (byTerminal.get(terminal.id) ?? []).reduce(withEvent, terminal);
  client.setQueriesData<Pages<Terminal>>({ queryKey: [CACHE.terminals] }, (data) => data && mapItems(data, change));
  for (const id of byTerminal.keys()) {
    client.setQueriesData<Terminal>({ queryKey: [CACHE.terminal, id] }, (data) => data && change(data));
  }
}

/** Puts the command first, or in its place; never back to an earlier state than the one that is known. */
function withCommand(page: Page<Command>, command: Command): Page<Command> {
  const known = page.items.find((item) => item.id === command.id);
  if (!known) return { ...page, items: [command, ...page.items] };
  if (known.history.length > command.history.length) return page;
  return { ...page, items: page.items.map((item) => (item.id === command.id ? command : item)) };
}

export function applyCommand(client: QueryClient, command: Command): void {
  client.setQueriesData<Page<Command>>(
    { queryKey: [CACHE.commands, command.terminalId] },
    (page) => page && withCommand(page, command),
  );
  const [first] = command.history;
  if (first?.state === 'held') void client.invalidateQueries({ queryKey: [CACHE.held] });
}

function withAlarm(data: Pages<Alarm>, alarm: Alarm, state: Alarm['state']): Pages<Alarm> {
  const stays = alarm.state === state;
  if (stays && data.pages.some((page) => page.items.some((item) => item.id === alarm.id))) {
    return mapItems(data, (item) => (item.id === alarm.id ? alarm : item));
  }
  const pages = data.pages.map((page, index) => {
    const others = page.items.filter((item) => item.id !== alarm.id);
    return { ...page, items: stays && index === 0 ? [alarm, ...others] : others };
  });
  return { ...data, pages };
}

export function applyAlarm(client: QueryClient, alarm: Alarm): void {
  for (const state of ['open', 'acknowledged', 'closed'] as const) {
    client.setQueriesData<Pages<Alarm>>(
      { queryKey: [CACHE.alarms, { state }] },
      (data) => data && withAlarm(data, alarm, state),
    );
  }
}

export function applyBatch(client: QueryClient, batch: Batch): void {
  client.setQueriesData<Batch>({ queryKey: [CACHE.batch, batch.id] }, (known) => known && batch);
  client.setQueriesData<Pages<Batch>>(
    { queryKey: [CACHE.batches] },
    (data) => data && mapItems(data, (item) => (item.id === batch.id ? batch : item)),
  );
}

export function applyEvents(client: QueryClient, events: LiveEvent[]): void {
  applyToTerminals(
    client,
    events.filter((live) => live.event === 'reading' || live.event === 'status'),
  );
  for (const live of events) {
    if (live.event === 'command') applyCommand(client, live.command);
    if (live.event === 'alarm') applyAlarm(client, live.alarm);
    if (live.event === 'batch') applyBatch(client, live.batch);
  }
}

export function refetchLive(client: QueryClient): void {
  for (const name of Object.values(CACHE)) void client.invalidateQueries({ queryKey: [name] });
}
