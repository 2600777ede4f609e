import type { Config } from '../../config.ts';

/** The gateways' own account at a broker of another maker. */
export interface Account {
  username: string;
  password: string;
}

/** As its settings say, or else its URL; empty where neither does. */
export function accountOf({ url, username, password }: Config['mqtt']['external']): Account {
  const inUrl = url ? new URL(url) : undefined;
  return {
    username: username || decodeURIComponent(inUrl?.username ?? ''),
    password: password || decodeURIComponent(inUrl?.password ?? ''),
  };
}
