import { useRef, useState } from 'react';
import { openStream, type Query } from './api.ts';
import { now } from './clock.ts';
import { saveFile } from './save.ts';

/** Readings as a file: how far the gateway has come shows in the lines that it has sent. */

export interface ExportProgress {
  /** 0 to 1. */
  part: number;
}

const DAY_MS = 86_400_000;
export const EXPORT_DAYS = [1, 7, 30, 150] as const;

/** How far a line is: the terminals before its own, and how far its time is in the range. */
function createProgress(terminals: number, from: number, to: number) {
  const seen = new Set<string>();
  return (line: string): number => {
    const [terminal = '', time = ''] = line.split(',');
    seen.add(terminal);
    const within = (Date.parse(time) - from) / (to - from);
    return (seen.size - 1 + (Number.isFinite(within) ? within : 0)) / Math.max(1, terminals);
  };
}

/** The last whole line that begins in a piece of text. */
const lastLine = (text: string): string => text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1) ?? '';

export function useExport(what: Query, name: string) {
  const [progress, setProgress] = useState<ExportProgress>();
  const [error, setError] = useState<Error>();
  const running = useRef<AbortController>(undefined);

  async function run(days: number, signal: AbortSignal): Promise<void> {
    const to = now();
    const from = to - days * DAY_MS;
    const { body, headers } = await openStream('/readings/export', { ...what, from, to }, signal, 'text/csv');
    const progressAt = createProgress(Number(headers.get('hearthgate-terminals')), from, to);
    const pieces: string[] = [];
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      pieces.push(read.value);
      const line = lastLine(read.value);
      if (line.includes(',')) setProgress({ part: progressAt(line) });
    }
    saveFile(new Blob(pieces, { type: 'text/csv' }), name);
  }

  return {
    progress,
    error,
    cancel: () => running.current?.abort(),
    async start(days: number): Promise<void> {
      const aborting = new AbortController();
      running.current = aborting;
      setError(undefined);
      setProgress({ part: 0 });
      try {
        await run(days, aborting.signal);
      } catch (cause) {
        if (!aborting.signal.aborted) setError(cause instanceof Error ? cause : new Error(String(cause)));
      } finally {
        setProgress(undefined);
      }
    },
  };
}
