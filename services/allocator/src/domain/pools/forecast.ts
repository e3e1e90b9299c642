/** How much of a pool was used at a moment; of ports: under the protocol of which the least part was free. */
export interface UseSample {
  readonly at: Date;
  readonly used: number;
}

/** Shorter histories say nothing. */
const leastMs = 10 * 60_000;
const leastSamples = 4;
const hourMs = 3_600_000;
/** What lies further ahead is not foreseeable. */
const horizonHours = 365 * 24;

/**
 * The net number of values that an hour takes, as the median of the slopes between all pairs of samples (Theil-Sen): a burst or a gap does
 * not bend it. undefined: too little is known.
 */
export function takenPerHour(samples: readonly UseSample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < leastSamples || last.at.getTime() - first.at.getTime() < leastMs)
    return undefined;
  const slopes: number[] = [];
  for (const [index, from] of samples.entries()) {
    for (const to of samples.slice(index + 1)) {
      const hours = (to.at.getTime() - from.at.getTime()) / hourMs;
      if (hours > 0) slopes.push((to.used - from.used) / hours);
    }
  }
  return median(slopes);
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [high, low] = [sorted[middle], sorted[middle - 1]];
  if (high === undefined) return undefined;
  return sorted.length % 2 === 0 && low !== undefined ? (low + high) / 2 : high;
}

/** When `free` values are used up if an hour takes so many; undefined: not foreseeable. */
export function exhaustedAt(now: Date, free: number, perHour: number | undefined): Date | undefined {
  if (perHour === undefined || perHour <= 0 || free / perHour > horizonHours) return undefined;
  return new Date(now.getTime() + (free / perHour) * hourMs);
}
