import type { OwnedContent } from '../../domain/changes/plan.ts';
import { type PathDifference, pathDifferences, policyFor, sameTree } from '../../domain/drift/drift.ts';
import type { OwnedResource } from '../router-ledger.ts';
import type { RouterSession } from '../session/session.ts';
import type { Difference } from '../session/session-knowledge.ts';
import type { DriftBook, FoundDrift } from './drift-book.ts';

/** Why differences are undone whatever their policies say. */
export interface Occasion {
  /** A batch of ours may have left it, so that it is nobody else's doing. */
  readonly isOurs: (resourceId: string) => boolean;
  /** After an outage or a take-over: what a reboot lost comes back. */
  readonly afterOutage: boolean;
  readonly repairAsked: boolean;
}

export interface Judged {
  readonly difference: Difference;
  readonly found: readonly FoundDrift[];
  /** Path keys that are ours to mend and no drift. */
  readonly unjudged: readonly string[];
}

/**
 * What becomes of a resource that does not stand as it is applied, path by path: what our batches left is undone; what was reported before is
 * treated by its policy also after an outage, if it still stands as it did; anything else by the occasion, then by policy.
 */
export function judgeDrift(
  session: RouterSession,
  book: DriftBook,
  occasion: Occasion,
  at: { readonly resource: OwnedResource; readonly standing: OwnedContent },
): Judged {
  const { resourceId, applied } = at.resource;
  const ours = occasion.isOurs(resourceId);
  const kept = new Set<string>();
  const found: FoundDrift[] = [];
  const unjudged: string[] = [];
  for (const difference of pathDifferences(at.standing, session.contentOf(applied))) {
    const { key } = difference;
    const before = book.open.get(key);
    const isKnown = before !== undefined && sameTree(before.found, difference.found);
    if (ours && !isKnown) {
      unjudged.push(key);
      continue;
    }
    const one = judgePath(session, book, occasion, { resourceId, difference, isKnown });
    if (!one.repairing) kept.add(key);
    found.push(one);
  }
  const repair = unjudged.length > 0 || found.some(({ repairing }) => repairing);
  const difference = { ...at, repair, kept, leftover: unjudged.length > 0 };
  return { difference, found, unjudged };
}

function judgePath(
  session: RouterSession,
  { rules, open, worn }: DriftBook,
  occasion: Occasion,
  at: { readonly resourceId: string; readonly difference: PathDifference; readonly isKnown: boolean },
): FoundDrift {
  const { resourceId, difference, isKnown } = at;
  const { key } = difference;
  const before = open.get(key);
  const policy = policyFor(rules, key);
  const asked = occasion.repairAsked || (isKnown ? before?.repairing === true : occasion.afterOutage);
  const isWorn = before?.contested === true || worn.has(key);
  const contested = policy === 'repair' && isWorn && !asked;
  const repairing = asked || (policy === 'repair' && !contested);
  const refusal = session.repairRefusals.get(resourceId);
  const note = noteOn({ repairing, contested, refusal });
  return { ...difference, resourceId, policy, repairing, contested, isNews: !isKnown, note };
}

function noteOn(one: { repairing: boolean; contested: boolean; refusal: string | undefined }): string {
  if (one.contested) return 'Somebody makes this change again after each repair, so it is not repaired any more.';
  return one.repairing && one.refusal !== undefined ? `The router refused the repair: ${one.refusal}` : '';
}
