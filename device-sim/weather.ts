import type { Random } from './random.ts';

const hourMs = 3_600_000;
const coldestHour = 6;
const warmestHour = 15;

/** Outdoor °C at a time: a northern winter in Asia/Shanghai, coldest at 6:00, warmest at 15:00. */
export type Weather = (atMs: number) => number;

export function createWeather(random: Random): Weather {
  const meanC = random.between(-7, -2);
  const swingC = random.between(4, 7);
  const dayMean = (day: number): number => meanC + random.fork(`day ${day}`).between(-3, 3);
  return (atMs) => {
    // China has one time zone and no summer time.
    const hours = atMs / hourMs + 8 - coldestHour;
    const day = Math.floor(hours / 24);
    const intoDay = hours - day * 24;
    const mean = dayMean(day) + (dayMean(day + 1) - dayMean(day)) * (intoDay / 24);
    return mean + swingC * wave(intoDay);
  };
}

/** −1 at the coldest hour, 1 at the warmest: a quick morning and a slow night. */
function wave(hoursAfterColdest: number): number {
  const rise = warmestHour - coldestHour;
  const half = hoursAfterColdest < rise ? hoursAfterColdest / rise : 1 + (hoursAfterColdest - rise) / (24 - rise);
  return -Math.cos(Math.PI * half);
}
