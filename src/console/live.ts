import type { LiveEvent } from '../http/schemas/live.ts';
import { openStream } from './api.ts';
import { session } from './session.ts';
import { type ServerSentEvent, serverSentEvents } from './sse.ts';

export type LiveState = 'connecting' | 'live' | 'broken';
export type LiveScope = { terminalId?: string | undefined; areaCode?: string | undefined };
export type LiveListener = {
  state: (state: LiveState) => void;
  event: (event: LiveEvent) => void;
  /** Events were missed while the stream was broken. */
  resumed: () => void;
};

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A connection that a router dropped looks open for ever. The gateway gives a sign of life every 15 s; after three that did not come it is taken for dead. */
const SILENCE_MS = 45_000;

const EVENTS: ReadonlySet<string> = new Set<LiveEvent['event']>(['reading', 'status', 'command', 'alarm']);

function liveEventOf({ event, data }: ServerSentEvent): LiveEvent | undefined {
  if (!EVENTS.has(event)) return undefined;
  const live: LiveEvent = { ...JSON.parse(data), event };
  return live;
}

/** Grows to half a minute, with a third of chance in it, so that a restarted gateway is not met by everyone at once. */
const pauseMs = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (1 - Math.random() / 3);

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function listen(scope: LiveScope, listener: LiveListener, signal: AbortSignal, opened: () => void) {
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const { body } = await openStream('/live', scope, either, 'text/event-stream');
    opened();
    for await (const message of serverSentEvents(body)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const event = message && liveEventOf(message);
      if (event && !signal.aborted) listener.event(event);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function listenForEver(scope: LiveScope, listener: LiveListener, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let broken = false;
  const opened = () => {
    failures = 0;
    if (broken) listener.resumed();
    broken = false;
    listener.state('live');
  };
  listener.state('connecting');
  while (!signal.aborted && session.token() !== null) {
    // Whatever ended the stream, the remedy is the same, and the header says that it is broken.
    await listen(scope, listener, signal, opened).catch(() => undefined);
    if (signal.aborted) return;
    broken = true;
    listener.state('broken');
    await pause(pauseMs(failures), signal);
    failures += 1;
  }
}

/** Follows what happens in a scope until the returned function is called. */
export function follow(scope: LiveScope, listener: LiveListener): () => void {
  const end = new AbortController();
  void listenForEver(scope, listener, end.signal);
  return () => end.abort();
}
