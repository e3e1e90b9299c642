import { toWire } from '@berth/errors';
import { type Bulk, bulkCancelled, hasEndedBulk } from '../../domain/bulk/bulk.ts';
import { operationCancelled, operationEnded, operationUnderWay } from '../../domain/errors.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import type { Caller } from '../commands.ts';
import { type CancelDeps, cancelPending, type SentRevision, unask } from '../operations/cancel-operation.ts';
import { type Books, LookAgain } from '../ports.ts';
import type { BulkStore } from './bulk-ports.ts';
import { assertMayCancel, getBulk } from './bulk-read.ts';

export interface CancelBulkDeps extends CancelDeps {
  readonly bulks: BulkStore;
}

/** An operation that was sent, and the revision that carries it. */
type Sent = SentRevision & { readonly operationId: string; readonly router: string };

const askedTogether = 2_000;
const maxLooks = 5;

/**
 * Cancels what no commit has begun with of a bulk: items that nobody has looked at, those that wait, and those that the driver can still take
 * back; the others come to their end. Of an atomic bulk all is taken back, as when one of its items fails. Gives the bulk as it then stands.
 * Throws `OPERATION_UNDER_WAY` when commits have begun with everything, `OPERATION_ENDED` when it has ended otherwise. Repeatable.
 */
export async function cancelBulk(deps: CancelBulkDeps, caller: Caller, id: string): Promise<Bulk> {
  const seen = await getBulk(deps, caller, id);
  assertMayCancel(caller, seen);
  if (seen.state === 'cancelled') return seen;
  if (hasEndedBulk(seen)) throw operationEnded(seen.state);
  const { sent, stopped, marked } = await stopItems(deps, caller, seen);
  let withdrawn = 0;
  for (const [router, ofRouter] of Map.groupBy(sent, (one) => one.router)) {
    for (let from = 0; from < ofRouter.length; from += askedTogether) {
      const asked = ofRouter.slice(from, from + askedTogether);
      const outcomes = await deps.withdraw(caller, router, asked);
      withdrawn += outcomes.filter((outcome) => outcome === 'withdrawn').length;
      const late = asked.filter((_, at) => outcomes[at] === 'too_late').map(({ operationId }) => operationId);
      if (late.length > 0) await deps.ledger.transaction([router], (books) => unask(books, late));
    }
  }
  if (stopped === 0 && withdrawn === 0 && marked) {
    await deps.ledger.transaction([], (books) => goOn(books, id));
    throw operationUnderWay();
  }
  return getBulk(deps, caller, id);
}

/** What was sent, how many items were stopped, and whether it was this that marked the bulk as one to cancel. */
interface Stopped {
  readonly sent: readonly Sent[];
  readonly stopped: number;
  readonly marked: boolean;
}

/** Stops all that is in our own hands. */
async function stopItems(deps: CancelBulkDeps, caller: Caller, bulk: Bulk): Promise<Stopped> {
  for (let looks = 1; ; looks++) {
    const routers = await deps.bulks.routersOf(bulk.id);
    try {
      return await deps.ledger.transaction(routers, (books) => stopIn(books, caller, bulk.id, routers), {
        takesLong: true,
      });
    } catch (error) {
      if (!(error instanceof LookAgain) || looks === maxLooks) throw error;
    }
  }
}

async function stopIn(books: Books, caller: Caller, id: string, routers: readonly string[]): Promise<Stopped> {
  const bulk = await books.bulks.lock(id);
  if (bulk === undefined || bulk.state !== 'running') return { sent: [], stopped: 1, marked: false };
  const open = await books.operations.openOfBulk(id);
  if (open.some(({ router }) => !routers.includes(router))) throw new LookAgain(); // accepted meanwhile, elsewhere
  for (const { ownerGroup } of open) assertMayCancel(caller, bulk, ownerGroup);
  const marked = !bulk.cancelled;
  const left = bulk.items - bulk.next;
  const error = toWire(operationCancelled());
  await books.bulks.setErrorFrom(id, bulk.next, error);
  books.bulks.put(bulkCancelled(bulk, error));
  if (bulk.mode === 'atomic') return { sent: [], stopped: 1, marked }; // its own way back removes what there is
  await books.vms.load(open.map(({ vmId }) => vmId));
  const pending = open.filter(({ state }) => state === 'pending');
  await cancelPending(books, pending);
  const running = open.filter(({ state }) => state === 'running');
  for (const operation of running) books.operations.put({ ...operation, cancelAsked: true });
  return { sent: running.map((operation) => sentBy(books, operation)), stopped: left + pending.length, marked };
}

/** It was too late for everything: it ends as if nobody had asked. */
async function goOn(books: Books, id: string): Promise<void> {
  const bulk = await books.bulks.lock(id);
  if (bulk?.state === 'running') books.bulks.put({ ...bulk, cancelled: false });
}

function sentBy(books: Books, { id, vmId, router, revision }: Operation): Sent {
  const { incarnation = 0 } = books.vms.get(vmId) ?? {};
  return { operationId: id, router, vmId, incarnation, revision };
}
