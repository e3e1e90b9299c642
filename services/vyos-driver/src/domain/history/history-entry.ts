/** What an entry of the history tells of. */
export type EntryKind =
  | 'change'
  | 'repair'
  | 'way_back'
  | 'foreign'
  | 'drift'
  | 'baseline'
  | 'adoption'
  | 'accepted'
  | 'upgrade';

/** How it ended. `partial`: refused, and a part stood afterwards. `settled`: by reading. `observed`: it was not ours. */
export type EntryState = 'applied' | 'refused' | 'partial' | 'settled' | 'observed';

/** A commit is what most of it was for: a repair or a way back travels with changes. */
export function kindOfBatch(purposes: Iterable<'change' | 'repair' | 'way_back'>): EntryKind {
  const all = new Set(purposes);
  return (['change', 'repair', 'way_back'] as const).find((purpose) => all.has(purpose)) ?? 'change';
}

/** How a batch that ended so is told of; undefined: it surely changed nothing and was not judged, so it is no part of the history. */
export function stateOfBatch(
  end: 'applied' | 'refused' | 'not_applied' | 'settled_by_read',
  changedLines: number,
): EntryState | undefined {
  if (end === 'not_applied') return undefined;
  if (end === 'refused') return changedLines > 0 ? 'partial' : 'refused';
  return end === 'applied' ? 'applied' : 'settled';
}

/** Smallest size of deltas, packed, after which a snapshot is worth it. */
const leastBytes = 32_768;
/** However small they are: each costs a row to read. */
const mostCommits = 500;

/**
 * Whether a snapshot is due: as soon as the deltas since the last one are as large as it is. Then all snapshots together are at most as large
 * as all deltas, and a state is read from at most twice the size of a snapshot, however long the history.
 */
export const isSnapshotDue = (since: {
  readonly commits: number;
  readonly bytes: number;
  readonly snapshotBytes: number;
}): boolean => since.commits >= mostCommits || since.bytes >= Math.max(leastBytes, since.snapshotBytes);
