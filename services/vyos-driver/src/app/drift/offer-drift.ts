import { isKind, toDomainError } from '@berth/errors';
import type { Revision } from '../../domain/changes/revision.ts';
import { pathOfKey } from '../../domain/config-tree.ts';
import { type FoundRule, notesOn, type OfferedItem, offerId, offerOf } from '../../domain/drift/drift-offer.ts';

/** All that was found on one resource and shall be taken over. */
export interface DriftOffer {
  readonly resourceId: string;
  /** The newest of the resource; it is judged. */
  readonly revision: Revision;
  readonly items: readonly OfferedItem[];
  /** The path key of something else of the resource that has drifted too and is not to be taken over. */
  readonly other: string | undefined;
}

export interface DriftOffers {
  /** What was not offered yet, on any router. */
  open(): Promise<readonly DriftOffer[]>;
  /** It was offered: not again, unless something else is found. `note` says how it went, for people. */
  close(items: readonly OfferedItem[], note: string): Promise<void>;
}

export interface OfferDeps {
  readonly offers: DriftOffers;
  /** Asks whoever wants the resource to want what was found. Throws `unavailable` when that is to be asked again, anything else for a no. */
  readonly ask: (offer: {
    readonly operationId: string;
    readonly resourceId: string;
    readonly revision: Revision;
    readonly rules: readonly FoundRule[];
  }) => Promise<void>;
}

/**
 * Offers what was found under the policy `accept` to whoever wants the resource, all of a resource at once: a change that takes over one line brings the
 * others to what is wanted, so where those are not taken over it would undo them. Safe to run on several replicas at once and again.
 */
export async function offerDrift({ offers, ask }: OfferDeps): Promise<void> {
  for (const offer of await offers.open()) {
    const { resourceId, revision, items } = offer;
    if (offer.other !== undefined) {
      await offers.close(items, othersDiffer(offer.other));
      continue;
    }
    const rules = offerOf(items);
    if ('unacceptable' in rules) {
      for (const [item, note] of notesOn(items, rules.unacceptable)) await offers.close([item], note);
      continue;
    }
    const operationId = offerId(items);
    try {
      await ask({ operationId, resourceId, revision, rules });
      await offers.close(items, `It is taken over by operation ${operationId}.`);
    } catch (error) {
      if (isKind(error, 'unavailable')) continue;
      await offers.close(items, `It is not taken over: ${toDomainError(error).message}`);
    }
  }
}

const othersDiffer = (key: string): string =>
  `It is not taken over: another line of the VM has changed too, and is not to be taken over: ${pathOfKey(key).join(' ')}.`;
