import { DomainError } from '@berth/errors';
import { again, done, failed, resumeSaga, type Saga, type StepOutcome } from '@berth/saga';
import type { Operation, OperationKind } from '../../domain/operations/operation.ts';
import type { Vm } from '../../domain/vms/vm.ts';
import { changePorts } from '../forwards/change-ports.ts';
import { progressIn } from '../operation-progress.ts';
import type { Books } from '../ports.ts';
import { chooseElsewhere, type RouterConflict } from '../values/choose-elsewhere.ts';
import { takeBackWithdrawn } from '../values/take-back-withdrawn.ts';
import { adoptVm } from '../vms/adopt-vm.ts';
import { decommissionVm } from '../vms/decommission-vm.ts';
import { provisionVm } from '../vms/provision-vm.ts';
import { restoreVm } from '../vms/restore-vm.ts';
import { updateVm } from '../vms/update-vm.ts';
import { type AttemptDeps, StartAttempt } from './start-attempt.ts';
import { startWaiting } from './start-waiting.ts';

/** The driver's final word on one revision of one VM. */
export interface Verdict {
  readonly router: string;
  readonly vmId: string;
  readonly incarnation: number;
  readonly revision: number;
  /** `withdrawn`: taken back before a commit began with it. */
  readonly outcome: 'applied' | 'rejected' | 'withdrawn';
  /** When refused: a stable code and the router's words. */
  readonly code: string;
  readonly message: string;
  /** Refused values may have been live for a moment. */
  readonly stood: boolean;
  /** What others hold on the router, when that is why it was refused. */
  readonly conflict: RouterConflict | undefined;
}

const sagas: Record<OperationKind, Saga<Operation, Books>> = {
  'provision-vm': provisionVm,
  'adopt-vm': adoptVm,
  'restore-vm': restoreVm,
  'change-ports': changePorts,
  'change-forwards': changePorts,
  'update-vm': updateVm,
  'decommission-vm': decommissionVm,
};

const refusalOf = ({ code, message }: Verdict): DomainError =>
  new DomainError(
    code === 'ROUTER_CONFLICT' ? 'conflict' : 'rejected',
    code || 'ROUTER_REFUSED',
    message || 'The router refused the change.',
  );

const isAwaited = (vm: Vm, verdict: Verdict): boolean =>
  vm.unsettled &&
  vm.router === verdict.router &&
  vm.revision === verdict.revision &&
  vm.incarnation === verdict.incarnation;

function outcomeOf(verdict: Verdict, together: number): StepOutcome {
  if (verdict.outcome === 'applied') return done;
  return together > 1 ? again : failed(refusalOf(verdict)); // nobody knows yet which of several was refused
}

/**
 * Ends what the driver has judged, and starts what waited behind it, in one transaction. Verdicts that nobody waits for (repeats, older
 * revisions) change nothing. What waited and cannot be started, for a reason that nobody foresaw, fails: it must not keep the verdict from
 * being taken.
 */
export async function settleVerdicts(deps: AttemptDeps, verdicts: readonly Verdict[]): Promise<void> {
  const routers = [...new Set(verdicts.map(({ router }) => router))];
  const attempt = new StartAttempt(deps);
  await attempt.transaction(routers, async (books) => {
    await books.vms.load(verdicts.map(({ vmId }) => vmId));
    const due = new Map<string, Verdict>();
    for (const verdict of verdicts) {
      const vm = books.vms.get(verdict.vmId);
      if (vm && isAwaited(vm, verdict)) due.set(vm.id, verdict);
    }
    if (due.size === 0) return;
    const vmIds = [...due.keys()];
    const open = await books.operations.openOf(vmIds);
    const running = open.filter(
      // A verdict speaks for what its revision carried, and for nothing else.
      ({ state, vmId, revision }) => state === 'running' && revision === due.get(vmId)?.revision,
    );
    const judged: Operation[] = [];
    const together = Map.groupBy(running, ({ vmId }) => vmId);
    for (const [vmId, operations] of together) {
      if (due.get(vmId)?.outcome === 'withdrawn') {
        await takeBackWithdrawn(books, operations, { open, sagaOf: ({ kind }) => sagas[kind] });
        continue;
      }
      const { conflict, stood = false } = due.get(vmId) ?? {};
      const elsewhere = conflict !== undefined && (await chooseElsewhere(books, operations, { conflict, stood }));
      if (!elsewhere) judged.push(...operations);
    }
    for (const [saga, operations] of Map.groupBy(judged, ({ kind }) => sagas[kind])) {
      const resumed = operations.flatMap((instance) => {
        const verdict = due.get(instance.vmId);
        if (verdict === undefined) return [];
        if (verdict.outcome !== 'applied') books.operations.put({ ...instance, refusal: { stood: verdict.stood } });
        const outcome = outcomeOf(verdict, together.get(instance.vmId)?.length ?? 1);
        return [{ instance, step: instance.step, outcome }];
      });
      await resumeSaga(saga, resumed, { deps: books, store: progressIn(books) });
    }
    await startWaiting(books, vmIds, attempt);
  });
}
