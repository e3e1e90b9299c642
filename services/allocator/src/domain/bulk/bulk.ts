import type { Grant } from '@berth/contracts';
import { DomainError, toWire, type WireError } from '@berth/errors';
import { derivedId } from '../derived-id.ts';
import { operationCancelled } from '../errors.ts';
import { hasEnded, type Operation } from '../operations/operation.ts';

/** `best-effort`: an item that cannot be done does not concern the others. `atomic`: all or none. */
export type BulkMode = 'best-effort' | 'atomic';

/** `staged`: its items come in, and nothing happens with them yet. */
export type BulkState = 'staged' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** At most so many items. */
export const maxBulkItems = 10_000;
/** At most so many of an atomic one: their one transaction holds the router's lock, which every other change of the router waits for. */
export const maxAtomicItems = 2_000;
/** So often it is tried to accept an atomic bulk. */
export const maxAttempts = 3;

/** Many provisions, removals or adoptions that were asked for at once. */
export interface Bulk {
  /** Chosen by the gateway. */
  readonly id: string;
  readonly state: BulkState;
  readonly mode: BulkMode;
  /** How many it has; 0 while it is staged. */
  readonly items: number;
  /** Who asked; its items' operations are this one's. */
  readonly principalId: string;
  readonly principalName: string;
  readonly userId: string;
  /** What its asker might do when it was accepted: it is worked on as accepted, whatever is taken away meanwhile. */
  readonly principalGroup: string;
  readonly permissions: readonly string[];
  readonly grants: readonly Grant[];
  readonly requestId: string;
  readonly traceparent: string;
  /** Items may wait for a router that is away. */
  readonly mayWait: boolean;
  /** The items before this place have been accepted or refused. */
  readonly next: number;
  /** How often somebody began with what comes next. */
  readonly attempts: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Atomic, and an item has failed: the items before this place have been asked to be taken back. Null: nothing is taken back. */
  readonly undoNext: number | null;
  /** How many removals of those that are taken back have not ended yet. */
  readonly undoing: number;
  /** Atomic: why the item failed that the others are taken back for. */
  readonly error: WireError | null;
  /** Somebody asked to cancel it: what no commit had begun with is not done. */
  readonly cancelled: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Who asked for a bulk, with what it might do then. */
export const askerOf = (bulk: Bulk) => ({
  ...{ id: bulk.principalId, name: bulk.principalName, userId: bulk.userId },
  ...{ permissions: bulk.permissions, group: bulk.principalGroup, grants: bulk.grants },
});

export const hasEndedBulk = ({ state }: Bulk): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled';

/** An item has failed, and the others are to be taken back from now on. */
export const beginsUndo = ({ state, undoNext }: Bulk): boolean => state === 'running' && undoNext === 0;

/** What an item was refused with, or taken back for. */
export interface ItemError {
  readonly index: number;
  readonly error: WireError;
}

/** The ids that follow from an item's place, so that a repeat means the same operation and VM. */
export const itemIds = (bulkId: string, index: number) => ({
  operationId: derivedId(bulkId, `item ${index}`),
  vmId: derivedId(bulkId, `vm ${index}`),
  undoId: derivedId(bulkId, `undo ${index}`),
});

export const bulkAborted = (): DomainError =>
  new DomainError('conflict', 'BULK_ABORTED', 'Another item of this bulk could not be had, so this one was not kept.');

export const bulkGivenUp = (): DomainError =>
  new DomainError(
    'unavailable',
    'BULK_GIVEN_UP',
    `The items could not be had together in one transaction, in ${maxAttempts} attempts, and none was kept: ask again, or for fewer of them.`,
  );

const notUndone = (words: string): DomainError =>
  new DomainError(
    'rejected',
    'BULK_NOT_UNDONE',
    `Another item of this bulk failed, and the router would not let go of this VM again: it is still there. ${words}`,
  );

/** Why a bulk failed; undefined when it did not. */
export function failureOfBulk(bulk: Bulk): WireError | undefined {
  if (bulk.state !== 'failed') return undefined;
  if (bulk.error) return bulk.error;
  const message = `${bulk.failed} of ${bulk.items} items failed; see the items.`;
  return toWire(new DomainError('conflict', 'BULK_ITEMS_FAILED', message));
}

/**
 * Somebody cancels it, for the reason `cause`: items that nobody has looked at are had no more. Of an atomic one all is taken back, or, when
 * nothing of it was accepted, had no more.
 */
export function bulkCancelled(bulk: Bulk, cause: WireError): Bulk {
  const left = bulk.items - bulk.next;
  const cancelled = { ...bulk, cancelled: true, next: bulk.items, failed: bulk.failed + left };
  if (bulk.mode !== 'atomic' || left > 0) return settled(cancelled);
  return settled({ ...cancelled, undoNext: bulk.undoNext ?? 0, error: bulk.error ?? cause });
}

/** The items up to `upTo` have been looked at, and so many of them were refused. */
export const itemsTaken = (bulk: Bulk, { upTo, refused }: { upTo: number; refused: number }): Bulk =>
  settled({ ...bulk, next: upTo, failed: bulk.failed + refused });

/** None of an atomic bulk's items is had, because of `cause`. */
export const refusedWhole = (bulk: Bulk, cause: WireError): Bulk => ({
  ...bulk,
  state: 'failed',
  next: bulk.items,
  succeeded: 0,
  failed: bulk.items,
  error: cause,
});

/** The items up to `upTo` have been asked to be taken back, by so many removals. */
export const undoTaken = (bulk: Bulk, { upTo, removals }: { upTo: number; removals: number }): Bulk =>
  settled({ ...bulk, undoNext: upTo, undoing: bulk.undoing + removals });

/** An atomic bulk is made of provisions: removals among its operations take them back. */
const isUndo = (bulk: Bulk, { kind }: Operation): boolean => bulk.mode === 'atomic' && kind === 'decommission-vm';

/** What the ends of these of its operations make of a bulk, and of its items. */
export function endsCounted(
  bulk: Bulk,
  ended: readonly Operation[],
): { readonly bulk: Bulk; readonly errors: readonly ItemError[] } {
  const errors: ItemError[] = [];
  let { succeeded, failed, undoing, undoNext, error } = bulk;
  for (const operation of ended.filter(hasEnded)) {
    const succeededNow = operation.state === 'succeeded';
    if (isUndo(bulk, operation)) {
      undoing--;
      const left = !succeededNow && operation.error?.code !== 'VM_NOT_FOUND';
      if (left && operation.bulk) {
        errors.push({ index: operation.bulk.index, error: toWire(notUndone(operation.error?.message ?? '')) });
      }
    } else if (succeededNow) succeeded++;
    else {
      failed++;
      if (bulk.mode === 'atomic') {
        undoNext ??= 0;
        error ??= operation.error ?? toWire(operationCancelled());
      }
    }
  }
  return { bulk: settled({ ...bulk, succeeded, failed, undoing, undoNext, error }), errors };
}

/** Ended, once nothing is open any more. */
function settled(bulk: Bulk): Bulk {
  const { state, items, next, succeeded, failed, undoNext, undoing } = bulk;
  if (state !== 'running' || next < items || succeeded + failed < items) return bulk;
  if (undoNext !== null) {
    if (undoNext < items || undoing > 0) return bulk;
    return { ...bulk, state: bulk.cancelled ? 'cancelled' : 'failed', succeeded: 0, failed: items };
  }
  if (failed === 0) return { ...bulk, state: 'succeeded' };
  return { ...bulk, state: bulk.cancelled ? 'cancelled' : 'failed' };
}
