import type { Problem } from '../http/schemas/common.ts';
import { noteServerTime } from './clock.ts';
import { session } from './session.ts';

const BASE = '/api/v1';

export type Query = Record<string, string | number | undefined>;
export type Page<T> = { items: T[]; nextCursor: string | null };

/** What went wrong with a request. Status 0: no answer came at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string | undefined;
  readonly detailZh: string | undefined;
  readonly rules: Problem['rules'];

  constructor(problem: Pick<Problem, 'status' | 'code' | 'title' | 'detail' | 'detailZh' | 'rules'>) {
    super(problem.title);
    this.name = 'ApiError';
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.detailZh = problem.detailZh;
    this.rules = problem.rules;
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const fallback = { status: response.status, code: 'unreadable', title: `HTTP ${response.status}`, detail: undefined };
  if (!response.headers.get('content-type')?.includes('json')) return new ApiError(fallback);
  const body: Partial<Problem> | null = await response.json().catch(() => null);
  return new ApiError({ ...fallback, ...body, status: response.status });
}

function address(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  return parameters.size > 0 ? `${BASE}${path}?${parameters}` : `${BASE}${path}`;
}

async function send(url: string, init: RequestInit, headers: Record<string, string>): Promise<Response> {
  const token = session.token();
  if (token !== null) headers['authorization'] = `Bearer ${token}`;
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers, cache: 'no-store' });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError({ status: 0, code: 'unreachable', title: 'The gateway does not answer', detail: undefined });
  }
  noteServerTime(response.headers.get('date'));
  if (response.ok) return response;
  // A late answer to an earlier session must not end the one that has begun since.
  if (response.status === 401 && token !== null && token === session.token()) session.end();
  throw await errorOf(response);
}

/** The gateway's own schemas made these answers; `T` names the schema and is not checked a second time here. */
export async function get<T>(path: string, query: Query, signal: AbortSignal): Promise<T> {
  const response = await send(address(path, query), { signal }, { accept: 'application/json' });
  return response.json();
}

/** `intent` is the Idempotency-Key: the same for every attempt at what the person wanted once. */
export async function post<T>(path: string, body: unknown, intent?: string): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/json' };
  if (intent !== undefined) headers['idempotency-key'] = intent;
  const response = await send(address(path, {}), { method: 'POST', body: JSON.stringify(body) }, headers);
  return response.json();
}

export async function patch<T>(path: string, body: unknown): Promise<T> {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  return (await send(address(path, {}), { method: 'PATCH', body: JSON.stringify(body) }, headers)).json();
}

export async function remove(path: string): Promise<void> {
  await send(address(path, {}), { method: 'DELETE' }, {});
}

/** A body that is read while it comes. */
export async function openStream(
  path: string,
  query: Query,
  signal: AbortSignal,
  accept: string,
): Promise<{ body: ReadableStream<Uint8Array<ArrayBuffer>>; headers: Headers }> {
  const response = await send(address(path, query), { signal }, { accept });
  if (response.body === null) throw await errorOf(response);
  return { body: response.body, headers: response.headers };
}

/** A file as it is. */
export async function postFile<T>(path: string, query: Query, file: Blob, type: string): Promise<T> {
  const headers = { accept: 'application/json', 'content-type': type };
  const response = await send(address(path, query), { method: 'POST', body: file }, headers);
  return response.json();
}

/** An answer that is kept as a file. */
export async function fetchFile(method: 'GET' | 'POST', path: string, query: Query = {}): Promise<Blob> {
  return (await send(address(path, query), { method }, { accept: 'text/csv' })).blob();
}
