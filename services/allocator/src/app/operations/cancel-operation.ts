import { DomainError } from '@berth/errors';
import { operationEnded, operationUnderWay } from '../../domain/errors.ts';
import { hasEnded, type Operation } from '../../domain/operations/operation.ts';
import type { Caller } from '../commands.ts';
import type { Books } from '../ports.ts';
import { getOperation, type VmReader } from '../vms/read-vms.ts';
import { keepNeeded } from '../vms/update-vm.ts';
import { settleVerdicts } from './settle-verdicts.ts';
import type { AttemptDeps } from './start-attempt.ts';

/** A revision that is on its way. */
export interface SentRevision {
  readonly vmId: string;
  readonly incarnation: number;
  readonly revision: number;
}

/** What the driver says of taking a revision back; `unknown`: it has not received it yet. */
export type Withdrawn = 'withdrawn' | 'too_late' | 'unknown';

/** Asks the driver to take revisions back; the answer's places are theirs. Repeatable. */
export type Withdraw = (
  caller: Caller,
  router: string,
  revisions: readonly SentRevision[],
) => Promise<readonly Withdrawn[]>;

export interface CancelDeps extends AttemptDeps {
  readonly reader: VmReader;
  readonly withdraw: Withdraw;
  readonly pause: (ms: number) => Promise<void>;
}

/** A revision that was sent a moment ago may still be on its way to the driver. */
const triesUntilReceived = 30;
const betweenTriesMs = 100;

/**
 * Cancels an operation until a commit has begun with it, and gives it as it then stands. One that waits in our books ends at once. One that
 * was sent ends when the driver has taken its revision back; others that shared that revision are sent again. Throws
 * `OPERATION_UNDER_WAY` when it is too late, `OPERATION_ENDED` when it has ended otherwise. Repeatable.
 */
export async function cancelOperation(deps: CancelDeps, caller: Caller, id: string): Promise<Operation> {
  const seen = await getOperation(deps, caller, id, 'vms:write');
  const asked = await deps.ledger.transaction([seen.router], (books) => askToCancel(books, seen.id));
  if (asked.sent === undefined) return asked.operation;
  const { sent } = asked;
  const outcome = await untilReceived(deps, () => deps.withdraw(caller, seen.router, [sent]));
  if (outcome === 'too_late') {
    await deps.ledger.transaction([seen.router], (books) => unask(books, [seen.id]));
    throw operationUnderWay();
  }
  if (outcome === 'unknown') throw notReceived();
  await settleVerdicts(deps, [withdrawnVerdict(seen.router, sent)]);
  return getOperation(deps, caller, id);
}

/** Ends it if it was not sent; else notes that it shall be cancelled, and says which revision carries it. */
async function askToCancel(
  books: Books,
  id: string,
): Promise<{ readonly operation: Operation; readonly sent?: SentRevision }> {
  const operation = (await books.operations.byIds([id])).get(id);
  if (operation === undefined) throw new Error(`operation ${id} is gone`);
  if (operation.state === 'cancelled') return { operation };
  if (hasEnded(operation)) throw operationEnded(operation.state);
  await books.vms.load([operation.vmId]);
  if (operation.state === 'pending') {
    await cancelPending(books, [operation]);
    return { operation: books.operations.get(id) ?? operation };
  }
  const asked = { ...operation, cancelAsked: true };
  books.operations.put(asked);
  const { incarnation = 0 } = books.vms.get(operation.vmId) ?? {};
  return { operation: asked, sent: { vmId: operation.vmId, incarnation, revision: operation.revision } };
}

/** Ends operations that wait in our books. Their VMs are loaded. */
export async function cancelPending(books: Books, operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) {
    const cancelled: Operation = { ...operation, state: 'cancelled', updatedAt: books.now };
    books.operations.put(cancelled);
    books.sendEnded(cancelled);
  }
  const updates = operations.filter(({ kind }) => kind === 'update-vm');
  const vms = updates.flatMap(({ vmId }) => books.vms.get(vmId) ?? []);
  await keepNeeded(books, vms, updates);
}

/** They are not to be cancelled any more: the caller was told that it is too late. */
export async function unask(books: Books, ids: readonly string[]): Promise<void> {
  for (const operation of (await books.operations.byIds(ids)).values()) {
    if (operation.cancelAsked && !hasEnded(operation)) books.operations.put({ ...operation, cancelAsked: false });
  }
}

async function untilReceived(deps: CancelDeps, ask: () => Promise<readonly Withdrawn[]>): Promise<Withdrawn> {
  for (let tries = 1; ; tries++) {
    const [outcome = 'unknown'] = await ask();
    if (outcome !== 'unknown' || tries === triesUntilReceived) return outcome;
    await deps.pause(betweenTriesMs);
  }
}

const withdrawnVerdict = (router: string, { vmId, incarnation, revision }: SentRevision) => ({
  ...{ router, vmId, incarnation, revision },
  outcome: 'withdrawn' as const,
  code: '',
  message: '',
  stood: false,
  conflict: undefined,
});

const notReceived = (): DomainError =>
  new DomainError(
    'unavailable',
    'CANCEL_UNDECIDED',
    'The driver has not said whether it is too late to cancel: look at the operation, or ask again.',
    { retryAfterSeconds: 1 },
  );
