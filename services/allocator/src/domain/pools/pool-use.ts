import { exhaustedAt, takenPerHour, type UseSample } from './forecast.ts';

/** How many values of a pool there are, and how many are in whose hands. Ports of both protocols count twice. */
export interface PoolCounts {
  readonly size: number;
  readonly free: number;
  readonly held: number;
  readonly reserved: number;
  readonly quarantined: number;
  readonly foreign: number;
  /** Ports: of the protocol of which the least part is free. */
  readonly tightest: { readonly size: number; readonly free: number };
}

/** How much of a pool is used, and how that goes on. */
export interface PoolUse extends PoolCounts {
  /** 0 to 1. */
  readonly used: number;
  /** The highest threshold that is reached; 0: none. */
  readonly thresholdReached: number;
  readonly takenPerHour: number | undefined;
  readonly exhaustedAt: Date | undefined;
}

const defaultThresholds: readonly number[] = [0.8, 0.95];
/** So far below a threshold use has to fall before it counts as passed downwards: else one VM that comes and goes would raise alert after alert. */
const margin = 0.02;

/** The part of a pool that is not free. A pool without values has nothing to use up: 0. */
export const usedPart = ({ size, free }: Pick<PoolCounts, 'size' | 'free'>): number => (size > 0 ? 1 - free / size : 0);

/** The highest threshold that use has reached, when `before` was reached until now. */
export function reachedThreshold(used: number, thresholds: readonly number[], before: number): number {
  const reached = (thresholds.length > 0 ? thresholds : defaultThresholds).filter(
    (threshold) => used >= threshold || (threshold <= before && used > threshold - margin),
  );
  return Math.max(0, ...reached);
}

/** What is told of a pool's use. `samples`: ascending in time. */
export function useOf(
  counts: PoolCounts,
  pool: { readonly alertThresholds: readonly number[]; readonly reachedBefore: number },
  samples: readonly UseSample[],
  now: Date,
): PoolUse {
  const used = usedPart(counts.tightest);
  const perHour = takenPerHour(samples);
  return {
    ...counts,
    used,
    thresholdReached: reachedThreshold(used, pool.alertThresholds, pool.reachedBefore),
    takenPerHour: perHour,
    exhaustedAt: exhaustedAt(now, counts.tightest.free, perHour),
  };
}
