const YUAN = /^(\d{1,7})(?:\.(\d{1,2}))?$/;
const LEAST_FEN = 1;
const MOST_FEN = 100_000_000;

/** 123456 → ¥1,234.56. With integers all the way: a float has no business near money. */
export function yuan(fen: number): string {
  const all = BigInt(fen);
  const amount = all < 0n ? -all : all;
  const whole = (amount / 100n).toLocaleString('en-US');
  const rest = String(amount % 100n).padStart(2, '0');
  return `${all < 0n ? '-' : ''}¥${whole}.${rest}`;
}

/** “12.5” → 1250; undefined when it is not an amount of money that can be paid. */
export function fenOf(text: string): number | undefined {
  const match = YUAN.exec(text.trim());
  if (!match) return undefined;
  const fen = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
  return fen >= LEAST_FEN && fen <= MOST_FEN ? fen : undefined;
}
