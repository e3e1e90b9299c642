/** The order of a resource's changes: first by incarnation (grows with each restore from a backup), then by number. */
export interface Revision {
  readonly incarnation: bigint;
  readonly number: bigint;
}

/** Negative when `a` is older than `b`, zero when they are the same. */
export function compareRevisions(a: Revision, b: Revision): number {
  const [left, right] = a.incarnation === b.incarnation ? [a.number, b.number] : [a.incarnation, b.incarnation];
  return left < right ? -1 : left > right ? 1 : 0;
}
