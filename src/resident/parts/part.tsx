import type { ReactNode } from 'react';
import { ApiError } from '../../console/api.ts';
import { hourMinute } from '../../console/time.ts';
import { fill, useWords } from '../language.tsx';
import type { Loaded } from '../load.ts';

/** What went wrong, in the reader's language. */
export function useProblem(): (error: Error) => string {
  const { texts } = useWords();
  const words: Record<string, string> = texts.problem;
  return (error) => (error instanceof ApiError ? (words[error.code] ?? error.message) : texts.problem.unexpected);
}

export function Failure({ error, again }: { error: Error; again?: () => void }) {
  const { texts } = useWords();
  const problem = useProblem();
  return (
    <div className="failure" role="alert">
      <span>{problem(error)}</span>
      {again && (
        <button type="button" onClick={again}>
          {texts.again}
        </button>
      )}
    </div>
  );
}

/** What is known stays readable when the next answer does not come, and says from when it is. */
export function Part<T>({ loaded, children }: { loaded: Loaded<T>; children: (data: T) => ReactNode }) {
  const { texts, language } = useWords();
  const { data, at, error, again } = loaded;
  if (data === undefined) {
    return error ? (
      <Failure error={error} again={again} />
    ) : (
      <p className="quiet" role="status">
        {texts.loading}
      </p>
    );
  }
  return (
    <>
      {error && at !== undefined && (
        <p className="worry" role="status">
          {texts.offline} {fill(texts.shownFrom, { time: hourMinute(at, language) })}
        </p>
      )}
      {children(data)}
    </>
  );
}
