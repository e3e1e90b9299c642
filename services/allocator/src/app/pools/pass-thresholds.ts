import { reachedThreshold, usedPart } from '../../domain/pools/pool-use.ts';
import type { PoolLedger, PoolLevel } from './pool-ports.ts';

/** The threshold that a pool's use has reached now. */
const reachedBy = ({ size, free, alertThresholds, reached }: PoolLevel): number =>
  reachedThreshold(usedPart({ size, free }), alertThresholds, reached);

/**
 * Notes and tells of pools whose use has passed an alert threshold, up or down: once for each time, whoever looks. Gives back how many there
 * were. Any replica may run it at any time.
 */
export async function passThresholds(
  ledger: PoolLedger,
  levels: { readonly all: () => Promise<readonly PoolLevel[]> },
): Promise<number> {
  const passed = (await levels.all()).filter((level) => reachedBy(level) !== level.reached);
  if (passed.length === 0) return 0;
  return ledger.transaction(async (books) => {
    const { now } = await books.lock([...new Set(passed.map(({ router }) => router))]);
    // Under the locks nothing is taken or given back, so what is read now is what is told.
    const current = await books.pools.levelsOf(passed.map(({ id }) => id));
    const reached = current.map((level) => ({ id: level.id, before: level.reached, reached: reachedBy(level) }));
    const noted = await books.pools.noteThresholds(reached.filter(({ before, reached: after }) => before !== after));
    for (const { pool, reached: after } of noted) books.tell({ kind: 'threshold', pool, reached: after, at: now });
    return noted.length;
  });
}
