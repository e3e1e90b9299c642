import type { RouterChange } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { fragmentOf } from '../../domain/changes/check-fragment.ts';
import { emptyFragment, type Fragment } from '../../domain/changes/fragment.ts';
import { compareRevisions, type Revision } from '../../domain/changes/revision.ts';
import type { Cause } from '../../domain/changes/verdict.ts';

/** A RouterChange, read. One that could never become configuration carries why, instead of a fragment. */
export interface ReceivedChange {
  readonly router: string;
  readonly resourceId: string;
  readonly revision: Revision;
  readonly ownerGroup: string;
  readonly operationIds: readonly string[];
  readonly causes: readonly Cause[];
  readonly wanted: Fragment;
  /** What stands exactly so, made by others, becomes the resource's. */
  readonly adopts: boolean;
  /** Why it is rejected as CHANGE_INVALID. */
  readonly problem?: string;
  /** It was sent before, and is taken back if no commit has begun with it. */
  readonly withdraws: boolean;
}

/** Where changes wait until their router's worker takes them. */
export interface ChangeInbox {
  /**
   * Stores, in one transaction, each change that is newer than what is known of its resource. Older and equal ones are answered again from
   * the verdicts. Changes of unknown routers and invalid ones are rejected at once. At most one change per resource and call.
   */
  store(changes: readonly ReceivedChange[]): Promise<void>;
  /** Settles, in one transaction, each of these stored changes as withdrawn that no batch has begun with. */
  withdraw(changes: readonly ReceivedChange[]): Promise<void>;
}

/** Stores what allocators want; tells the routers' workers. Safe to repeat, in any order, on any replica. */
export async function receiveChanges(
  deps: { inbox: ChangeInbox; wake: (router: string) => void },
  messages: readonly RouterChange[],
): Promise<void> {
  const newest = new Map<string, ReceivedChange>();
  for (const change of messages.map(readChange)) {
    const key = `${change.router}\n${change.resourceId}`;
    const known = newest.get(key);
    const order = known === undefined ? -1 : compareRevisions(known.revision, change.revision);
    if (order < 0 || (order === 0 && change.withdraws)) newest.set(key, change);
  }
  const changes = [...newest.values()];
  await deps.inbox.store(changes);
  const withdrawn = changes.filter(({ withdraws }) => withdraws);
  if (withdrawn.length > 0) await deps.inbox.withdraw(withdrawn);
  for (const router of new Set(changes.map((change) => change.router))) deps.wake(router);
}

function readChange(message: RouterChange): ReceivedChange {
  if (message.router === '' || message.resourceId === '' || message.revision === undefined) {
    throw new DomainError(
      'invalid',
      'CHANGE_WITHOUT_ADDRESS',
      'A router change names no router, resource or revision.',
    );
  }
  const { router, resourceId, ownerGroup, operationIds, causes, withdraws } = message;
  const about = {
    router,
    resourceId,
    ownerGroup,
    operationIds,
    adopts: message.adopts,
    withdraws,
    revision: { incarnation: message.revision.incarnation, number: message.revision.number },
    causes: causes.map(({ operationId, requestId, principalId, principalName, traceparent }) => ({
      operationId,
      requestId,
      principalId,
      principalName,
      traceparent,
    })),
  };
  if (message.desired === undefined) return { ...about, wanted: emptyFragment };
  const read = fragmentOf(message.desired);
  return 'problem' in read ? { ...about, wanted: emptyFragment, problem: read.problem } : { ...about, wanted: read };
}
