/** `hearthgate:claim?id=…&code=…`, as the QR code on a terminal's label says; undefined for any other text. */
export function claimOf(text: string): { id: string; code: string } | undefined {
  const query = /^\s*hearthgate:claim\?(\S+)\s*$/i.exec(text)?.[1];
  const parameters = new URLSearchParams(query);
  const id = parameters.get('id');
  const code = parameters.get('code');
  return id && code ? { id, code } : undefined;
}
