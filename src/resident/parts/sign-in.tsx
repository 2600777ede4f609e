import { type FormEvent, useState } from 'react';
import { ApiError, post } from '../../console/api.ts';
import { session } from '../../console/session.ts';
import type { Session } from '../../http/schemas/people.ts';
import { useWords } from '../language.tsx';
import { useProblem } from './part.tsx';

export function SignIn() {
  const { texts } = useWords();
  const problem = useProblem();
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    try {
      const body = { username: String(fields.get('username')), password: String(fields.get('password')) };
      session.begin((await post<Session>('/sessions', body)).token);
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
      setBusy(false);
    }
  }
  const wrong = error instanceof ApiError && error.status === 401;
  return (
    <main className="sign-in">
      <h1>{texts.title}</h1>
      <p className="quiet">{texts.signIn.hint}</p>
      <form className="card" onSubmit={(event) => void submit(event)}>
        <label>
          {texts.signIn.username}
          <input name="username" autoComplete="username" autoCapitalize="none" required maxLength={64} />
        </label>
        <label>
          {texts.signIn.password}
          <input name="password" type="password" autoComplete="current-password" required maxLength={200} />
        </label>
        {error && (
          <p className="worry" role="alert">
            {wrong ? texts.signIn.wrong : problem(error)}
          </p>
        )}
        <button type="submit" className="main" disabled={busy}>
          {texts.signIn.submit}
        </button>
      </form>
    </main>
  );
}
