import type { BatchPart } from '../batches/send-batch.ts';
import type { Member } from '../changes/take-work.ts';
import type { RouterSession } from '../session/session.ts';

/** What refused changes left on the router, and the way back from it. Part of whatever is sent next. */
export function wayBackParts(session: RouterSession): BatchPart[] {
  const parts: BatchPart[] = [];
  for (const { resourceId, revision, applied, causes } of session.condemned.values()) {
    const difference = session.ground?.differences.get(resourceId);
    if (difference === undefined) continue;
    const to = session.mendedOf(resourceId, applied);
    parts.push({
      resourceId,
      purpose: 'way_back',
      revision,
      fragment: applied,
      causes,
      from: difference.standing,
      to,
    });
  }
  return parts;
}

/** What changes that still wait left on a router which takes none of them now. */
export const leftoverParts = (session: RouterSession, members: readonly Member[]): BatchPart[] =>
  members.flatMap(({ resourceId, revision, applied, causes }) => {
    const difference = session.ground?.differences.get(resourceId);
    if (difference?.repair !== true) return [];
    const to = session.mendedOf(resourceId, applied);
    return [{ resourceId, purpose: 'way_back', revision, fragment: applied, causes, from: difference.standing, to }];
  });
