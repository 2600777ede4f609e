import { QueryClient } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api.ts';
import { App } from './app.tsx';
import './styles/base.css';
import './styles/details.css';
import './styles/frame.css';
import './styles/lists.css';
import { startTranslation } from './i18n.ts';
import { router } from './routes.tsx';
import { session } from './session.ts';

const RETRIES = 2;

/** An answer of the gateway does not get better by asking again; silence may. */
const worthRetrying = (failures: number, error: Error): boolean =>
  failures < RETRIES && error instanceof ApiError && (error.status === 0 || error.status >= 500);

const client = new QueryClient({ defaultOptions: { queries: { retry: worthRetrying } } });

// The next person at this computer must not see what the last one has loaded.
session.subscribe(() => {
  if (session.token() !== null) return;
  client.clear();
  void router.invalidate();
});

await startTranslation();
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App client={client} />
  </StrictMode>,
);
