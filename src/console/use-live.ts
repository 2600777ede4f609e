import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { LiveEvent } from '../http/schemas/live.ts';
import { follow, type LiveScope, type LiveState } from './live.ts';
import { applyEvents, refetchLive } from './live-cache.ts';

/** A county sends hundreds of readings a second; the page is drawn twice. */
const DRAW_EVERY_MS = 500;

export function useLive({ terminalId, areaCode }: LiveScope): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => {
    let waiting: LiveEvent[] = [];
    const draw = setInterval(() => {
      if (waiting.length === 0) return;
      const events = waiting;
      waiting = [];
      applyEvents(client, events);
    }, DRAW_EVERY_MS);
    const end = follow(
      { terminalId, areaCode },
      { state: setState, event: (live) => waiting.push(live), resumed: () => refetchLive(client) },
    );
    return () => {
      clearInterval(draw);
      end();
    };
  }, [client, terminalId, areaCode]);
  return state;
}
