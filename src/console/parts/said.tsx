import type { ReactNode } from 'react';
import { Moment } from './age.tsx';

/** What a person said who ended something, and who and when. */
export function Said({ text, by, at }: { text: ReactNode; by: string | null; at: string | null }) {
  return (
    <>
      {text !== null && <div className="words">{text}</div>}
      <div className="quiet">
        {by} {at !== null && <Moment time={at} />}
      </div>
    </>
  );
}
