/** How long people and devices take, as [shortest, longest]. Tests make them quick. */
export interface Pace {
  readonly replyMs: readonly [number, number];
  readonly obeyMs: readonly [number, number];
  /** From arming a gas valve until the resident presses the key at the meter. */
  readonly keyS: readonly [number, number];
  /** The first and the longest wait before connecting again. */
  readonly retryMs: readonly [number, number];
  readonly connectsPerSecond: number;
  readonly tickMs: number;
  readonly saveMs: number;
  /** For saying goodbye to the broker when the fleet stops. */
  readonly goodbyeMs: number;
}

export const lifelike: Pace = {
  replyMs: [300, 1_000],
  obeyMs: [1_000, 3_000],
  keyS: [5, 15],
  retryMs: [1_000, 30_000],
  connectsPerSecond: 100,
  tickMs: 1_000,
  saveMs: 5_000,
  goodbyeMs: 1_500,
};
