import { DomainError } from '@berth/errors';
import { type Bulk, type BulkMode, maxAtomicItems, maxBulkItems } from '../../domain/bulk/bulk.ts';
import { invalid } from '../../domain/check-fields.ts';
import {
  bulkNotFound,
  deadlinePassed,
  idempotencyKeyReused,
  idempotencyKeyRunning,
  operationIdTaken,
} from '../../domain/errors.ts';
import type { BulkContext, BulkStore, StagedItem, StartingBulk } from './bulk-ports.ts';

const maxStagedTogether = 500;

const incomplete = (staged: number, items: number): DomainError =>
  new DomainError('conflict', 'BULK_INCOMPLETE', `Of the bulk's ${items} items ${staged} are staged.`);

const notAtomic = (): DomainError =>
  new DomainError(
    'invalid',
    'BULK_NOT_ATOMIC',
    'What the router has removed cannot be taken back: removals go with the mode best_effort only.',
    { fields: [{ field: 'mode', message: 'must be best_effort for removals' }] },
  );

/** Stores items of a bulk, with which nothing happens before it is started. Repeatable. */
export async function stageBulk(
  deps: { bulks: BulkStore },
  context: BulkContext,
  asked: { readonly offset: number; readonly items: readonly StagedItem[] },
): Promise<void> {
  if (asked.items.length > maxStagedTogether) {
    throw invalid([{ field: 'items', message: `at most ${maxStagedTogether} together` }]);
  }
  if (asked.offset + asked.items.length > maxBulkItems) {
    throw invalid([{ field: 'items', message: `at most ${maxBulkItems}` }]);
  }
  await deps.bulks.stage(context, asked.offset, asked.items);
}

/** Accepts a bulk whose items are all staged: from then on each of them comes to its end. Repeatable. */
export function startBulk(
  deps: { bulks: BulkStore },
  context: BulkContext,
  asked: { readonly items: number; readonly mode: BulkMode },
): Promise<{ readonly bulk: Bulk; readonly replayed: boolean }> {
  const most = asked.mode === 'atomic' ? maxAtomicItems : maxBulkItems;
  if (asked.items < 1 || asked.items > most) throw invalid([{ field: 'items', message: `must be 1 to ${most}` }]);
  return deps.bulks.start(context, async (starting) => {
    const { bulk, first, staged } = starting;
    if (bulk && bulk.state !== 'staged') return { bulk: again(bulk, asked), replayed: false };
    if (first) return { bulk: await byKey(starting, first, context), replayed: true };
    if (bulk === undefined) throw bulkNotFound(context.id);
    if (context.deadline.getTime() <= starting.now.getTime()) throw deadlinePassed();
    if (staged.items !== asked.items) throw incomplete(staged.items, asked.items);
    if (asked.mode === 'atomic' && staged.removals > 0) throw notAtomic();
    return { bulk: await starting.accept(asked), replayed: false };
  });
}

/** The same bulk, asked for once more because its answer was lost. */
function again(bulk: Bulk, asked: { readonly items: number; readonly mode: BulkMode }): Bulk {
  if (bulk.items !== asked.items || bulk.mode !== asked.mode) throw operationIdTaken();
  return bulk;
}

async function byKey(
  starting: StartingBulk,
  first: NonNullable<StartingBulk['first']>,
  { key }: BulkContext,
): Promise<Bulk> {
  const { bulk } = first;
  const same = Buffer.from(first.fingerprint).equals(Buffer.from(key?.fingerprint ?? []));
  if (bulk === undefined || !same) throw idempotencyKeyReused();
  if (bulk.state === 'running') throw idempotencyKeyRunning(bulk.id);
  await starting.drop();
  return bulk;
}
