import { type ReactNode, useState } from 'react';
import type { Page } from '../../console/api.ts';
import { useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import { Part } from './part.tsx';

const AT_ONCE = 12;

/** A list, the newest first, further pages below the first as they are asked for. */
export function More<T>(parts: { path: string; empty: string; cursor?: string; children: (item: T) => ReactNode }) {
  const { path, empty, cursor, children } = parts;
  const { texts } = useWords();
  const [goesOn, setGoesOn] = useState(false);
  const page = useLoad<Page<T>>(path, { limit: AT_ONCE, cursor });
  return (
    <Part loaded={page}>
      {({ items, nextCursor }) => (
        <>
          {items.length === 0 && <p className="card quiet">{empty}</p>}
          {items.map(children)}
          {nextCursor !== null &&
            (goesOn ? (
              <More {...parts} cursor={nextCursor} />
            ) : (
              <button type="button" onClick={() => setGoesOn(true)}>
                {texts.more}
              </button>
            ))}
        </>
      )}
    </Part>
  );
}
