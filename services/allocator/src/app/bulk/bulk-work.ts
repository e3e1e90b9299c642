import { DomainError, fromWire, isKind, toDomainError, toWire, type WireError } from '@berth/errors';
import {
  askerOf,
  type Bulk,
  bulkAborted,
  bulkGivenUp,
  type ItemError,
  itemIds,
  itemsTaken,
  maxAttempts,
  refusedWhole,
  undoTaken,
} from '../../domain/bulk/bulk.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { type Accepted, type Command, type DecommissionCommand, exclusiveKeys } from '../commands.ts';
import { type AcceptDeps, acceptCommands } from '../operations/accept-commands.ts';
import type { Books } from '../ports.ts';
import type { BulkStore, ReadItem } from './bulk-ports.ts';

export interface BulkWorkDeps extends AcceptDeps {
  readonly bulks: BulkStore;
  readonly readItem: ReadItem;
  /** Hears of each item's command and its answer, once that is for good. */
  readonly onAnswer: (kind: Command['kind'], answer: Accepted | DomainError) => void;
  /** Hears of a failure that nobody foresaw. */
  readonly onBug: (error: unknown, bulkId: string) => void;
}

/** So few that other callers' commands, which wait for the same router's lock, do not wait long. */
const chunkSize = 50;
/** An accepted bulk is never too late. */
const noDeadline = new Date(8_640_000_000_000_000);

/** Another replica has gone on with the bulk meanwhile. */
class TakenOver extends Error {
  override readonly name = 'TakenOver';
}

/** An item of an atomic bulk cannot be had: its transaction is rolled back. */
class NotAllHad extends Error {
  override readonly name = 'NotAllHad';
  readonly errors: ReadonlyMap<number, DomainError>;
  constructor(errors: ReadonlyMap<number, DomainError>) {
    super('not all items can be had');
    this.errors = errors;
  }
}

/** Does the next piece of work that a bulk has for anybody. False when there is none. Any replica may do it at any time. */
export async function workOnBulk(deps: BulkWorkDeps): Promise<boolean> {
  const bulk = await deps.bulks.lease();
  if (bulk === undefined) return false;
  try {
    if (bulk.undoNext !== null) await takeBack(deps, bulk, bulk.undoNext);
    else if (bulk.mode === 'best-effort') await acceptSome(deps, bulk, chunkSize);
    else if (bulk.attempts > maxAttempts) await giveUp(deps, bulk);
    else await acceptWhole(deps, bulk);
  } catch (error) {
    if (!(error instanceof TakenOver)) throw error;
  }
  await deps.bulks.release(bulk.id);
  return true;
}

/** Accepts or refuses the next items, in one transaction with the note that they are done. */
async function acceptSome(deps: BulkWorkDeps, bulk: Bulk, most: number): Promise<void> {
  const items = await deps.bulks.items(bulk.id, bulk.next, most);
  const read = untilConflict(items.map((item, place) => deps.readItem(bulk, bulk.next + place, item)));
  const upTo = bulk.next + read.length;
  const note = async (books: Books, errors: ReadonlyMap<number, DomainError>) => {
    const current = await stillThere(books, bulk);
    await books.bulks.setErrors(bulk.id, wired(errors));
    books.bulks.put(itemsTaken(current, { upTo, refused: errors.size }));
  };
  try {
    await accept(deps, read, bulk.next, note);
  } catch (error) {
    if (error instanceof TakenOver || isKind(error, 'unavailable')) throw error;
    // Unforeseen: the others must not suffer from it, so the one that causes it is found by going on with fewer.
    if (read.length > 1) return await acceptSome(deps, bulk, Math.ceil(read.length / 2));
    deps.onBug(error, bulk.id);
    await deps.ledger.transaction([], (books) => note(books, new Map([[bulk.next, toDomainError(error)]])));
  }
}

/**
 * The first items whose order is kept within one transaction: that provisions before it removes, so of a provision and a removal that mean
 * the same VM the later one waits for the next.
 */
function untilConflict(read: readonly (Command | DomainError)[]): readonly (Command | DomainError)[] {
  const kinds = new Map<string, Command['kind']>();
  const end = read.findIndex((one) => {
    if (one instanceof DomainError) return false;
    const keys = exclusiveKeys(one);
    const meetsOtherKind = keys.some((key) => (kinds.get(key) ?? one.kind) !== one.kind);
    for (const key of keys) kinds.set(key, one.kind);
    return meetsOtherKind;
  });
  return end < 0 ? read : read.slice(0, end);
}

/** Accepts all items in one transaction, or none of them. */
async function acceptWhole(deps: BulkWorkDeps, bulk: Bulk): Promise<void> {
  const items = await deps.bulks.items(bulk.id, 0, bulk.items);
  const read = items.map((item, place) => deps.readItem(bulk, place, item));
  try {
    await accept(deps, read, 0, async (books, refused) => {
      if (refused.size > 0) throw new NotAllHad(refused);
      books.bulks.put(itemsTaken(await stillThere(books, bulk), { upTo: bulk.items, refused: 0 }));
    });
  } catch (error) {
    if (error instanceof TakenOver || isKind(error, 'unavailable')) throw error;
    if (!(error instanceof NotAllHad)) deps.onBug(error, bulk.id);
    const refused = wired(error instanceof NotAllHad ? error.errors : new Map([[0, toDomainError(error)]]));
    await refuseWhole(deps, bulk, { refused, others: toWire(bulkAborted()), cause: atPlace(refused[0]) });
  }
}

/** Ends an atomic bulk whose transaction was broken off too often. */
async function giveUp(deps: BulkWorkDeps, bulk: Bulk): Promise<void> {
  const cause = toWire(bulkGivenUp());
  await refuseWhole(deps, bulk, { refused: [], others: cause, cause });
}

/** Ends an atomic bulk of which nothing was kept because of `cause`; says so of its items. */
async function refuseWhole(
  deps: BulkWorkDeps,
  bulk: Bulk,
  { refused, others, cause }: { refused: readonly ItemError[]; others: WireError; cause: WireError },
): Promise<void> {
  await deps.ledger.transaction([], async (books) => {
    const current = await stillThere(books, bulk);
    await books.bulks.setErrors(bulk.id, refused);
    await books.bulks.setErrorOfOthers(bulk.id, others);
    books.bulks.put(refusedWhole(current, cause));
  });
}

/** Asks for the removal of the next items of an atomic bulk of which one has failed. Those that are still on their way are removed behind that. */
async function takeBack(deps: BulkWorkDeps, bulk: Bulk, from: number): Promise<void> {
  const upTo = Math.min(from + chunkSize, bulk.items);
  const places = Array.from({ length: upTo - from }, (_, place) => from + place);
  const operationIds = places.map((index) => itemIds(bulk.id, index).operationId);
  const seen = await deps.bulks.operations(operationIds);
  const toUndo = places.filter((index) => !hasFailed(seen, bulk, index));
  const commands = toUndo.map((index) => removalOf(bulk, index));
  await acceptCommands(deps, commands, async (books, answers) => {
    const current = await stillThere(books, bulk);
    const refusal = answers.find((answer) => answer instanceof DomainError && answer.code !== 'VM_NOT_FOUND');
    if (refusal instanceof DomainError) throw refusal; // nothing that is known can be it; the next turn tries again
    const now = await books.operations.byIds(operationIds); // under the locks: one that has failed meanwhile keeps its own error
    const kept = toUndo.filter((index) => !hasFailed(now, bulk, index));
    const error = toWire(bulkAborted());
    await books.bulks.setErrors(
      bulk.id,
      kept.map((index) => ({ index, error })),
    );
    const removals = answers.filter((answer) => !(answer instanceof DomainError)).length;
    books.bulks.put(undoTaken(current, { upTo, removals }));
  });
}

const hasFailed = (operations: ReadonlyMap<string, Operation>, bulk: Bulk, index: number): boolean =>
  operations.get(itemIds(bulk.id, index).operationId)?.state === 'failed';

/** Accepts what could be read, and hands `note` why the others were refused, by their places in the bulk. */
async function accept(
  deps: BulkWorkDeps,
  read: readonly (Command | DomainError)[],
  from: number,
  note: (books: Books, errors: ReadonlyMap<number, DomainError>) => Promise<void>,
): Promise<void> {
  const commands = read.filter((one) => !(one instanceof DomainError));
  const answers = await acceptCommands(deps, commands, async (books, answered) => {
    let place = 0;
    const errors = new Map<number, DomainError>();
    for (const [index, one] of read.entries()) {
      const answer = one instanceof DomainError ? one : answered[place++];
      // It says nothing of the item: it is tried again until it does.
      if (answer instanceof DomainError && answer.code === 'ACCESS_STATE_STALE') throw answer;
      if (answer instanceof DomainError) errors.set(from + index, answer);
    }
    await note(books, errors);
  });
  for (const [place, command] of commands.entries()) {
    const answer = answers[place];
    if (answer) deps.onAnswer(command.kind, answer);
  }
}

/** The bulk as it stands, locked; `TakenOver` when this piece of work has been done by somebody else. */
async function stillThere(books: Books, bulk: Bulk): Promise<Bulk> {
  const current = await books.bulks.lock(bulk.id);
  const same = current?.state === 'running' && current.next === bulk.next && current.undoNext === bulk.undoNext;
  if (!same) throw new TakenOver();
  return current;
}

/** Takes back what an item's provision made, in the name of who asked for the bulk: also where the VM was given to another group since. */
const removalOf = (bulk: Bulk, index: number): DecommissionCommand => ({
  kind: 'decommission-vm',
  operationId: itemIds(bulk.id, index).undoId,
  machineId: itemIds(bulk.id, index).vmId,
  deadline: noDeadline,
  caller: { ...askerOf(bulk), permissions: ['vms:write'], group: '', grants: [] },
  requestId: bulk.requestId,
  traceparent: bulk.traceparent,
  key: undefined,
  mayWait: true,
  ifVersion: 0,
  bulk: { id: bulk.id, index },
});

const wired = (errors: ReadonlyMap<number, DomainError>) =>
  [...errors].map(([index, error]) => ({ index, error: toWire(error) }));

/** Why an atomic bulk cannot be had, when it is for this item. */
export const bulkRefusal = ({ index, error }: { readonly index: number; readonly error: DomainError }): DomainError =>
  fromWire(atPlace({ index, error: toWire(error) }));

/** An item's error as that of its bulk: says which item it was. */
function atPlace(first: ItemError | undefined): WireError {
  if (first === undefined) throw new Error('a bulk was refused without a reason');
  const { index, error } = first;
  const fields = error.fields.map(({ field, message }) => ({ field: `items[${index}].${field}`, message }));
  return { ...error, message: `Item ${index}: ${error.message}`, fields };
}
