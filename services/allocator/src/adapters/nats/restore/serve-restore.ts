import { BackedUpVmSchema, BackupService, type CommandContext, VmPlanService } from '@berth/contracts';
import { type Bus, currentTrace, serve } from '@berth/messaging';
import { assertWholeRouter } from '../../../app/plans/apply-plan.ts';
import type { PlanDeps } from '../../../app/plans/create-plan.ts';
import { planRestore, type RestoreWish } from '../../../app/restore/plan-restore.ts';
import { planRollback, type RestoreReader } from '../../../app/restore/plan-rollback.ts';
import { invalid } from '../../../domain/check-fields.ts';
import { longestPlanSeconds, maxPlannedItems } from '../../../domain/plans/plan.ts';
import { checkBackedUp } from '../../../domain/restore/check-backup.ts';
import { rollbackTooLarge } from '../../../domain/restore/restore.ts';
import { fitting } from '../../fitting.ts';
import { toPlanMessage } from '../plans/plan-messages.ts';
import { permittedCaller, readContext } from '../to-commands.ts';
import { fromBackedUp, toBackedUp } from './backup-messages.ts';
import { pastFragments } from './past-fragments.ts';

export interface RestoreDeps extends PlanDeps {
  readonly planMs: number;
  readonly reader: RestoreReader;
}

const backupAPage = 500;

/** Backups, and plans that make a router's owned part what it was, over NATS. Gives back its stop. */
export function serveRestore(bus: Bus, deps: RestoreDeps): () => Promise<void> {
  const { method } = VmPlanService;
  const stops = [
    serve(bus, method.planRollback, async (message) => {
      const wish = toWish(message, deps.planMs);
      const { to } = message;
      if (to === undefined) throw invalid([{ field: 'to', message: 'is missing' }]);
      const past = (caller: RestoreWish['caller'], router: string) => pastFragments(bus, caller, router, to);
      return toPlanMessage(await planRollback({ ...deps, pastFragments: past }, wish));
    }),
    serve(bus, BackupService.method.listBackup, async ({ principal, router, pageToken }) => {
      assertWholeRouter(permittedCaller(principal, 'vms:read'), 'vms:read');
      const vms = await deps.reader.confirmed(router, { after: pageToken, most: backupAPage });
      const messages = vms.map(toBackedUp);
      const count = fitting(BackedUpVmSchema, messages);
      const more = count < vms.length || vms.length === backupAPage;
      return { vms: messages.slice(0, count), nextPageToken: more ? (vms[count - 1]?.id ?? '') : '' };
    }),
    serve(bus, BackupService.method.planRestore, async (message) => {
      const wish = toWish(message, deps.planMs);
      if (message.vms.length > maxPlannedItems) throw rollbackTooLarge(message.vms.length, maxPlannedItems);
      const vms = message.vms.map((vm, index) => fromBackedUp(vm, wish.router, `vms[${index}]`));
      for (const [index, vm] of vms.entries()) checkBackedUp(vm, `vms[${index}]`);
      const gone = new Set(message.removedVmIds);
      const target = { vms, isGone: ({ id }: { readonly id: string }) => gone.has(id) };
      return toPlanMessage(await planRestore(deps, wish, target, await deps.reader.alive(wish.router)));
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}

interface Asked {
  readonly context?: CommandContext | undefined;
  readonly router: string;
  readonly reduce: boolean;
  readonly expiresInSeconds: number;
  readonly inParts?: boolean;
  readonly request: string;
}

function toWish(
  { context, router, reduce, inParts = false, expiresInSeconds: seconds, request }: Asked,
  planMs: number,
): RestoreWish {
  const {
    operationId: id,
    mayWait: _,
    ifVersion: __,
    ...asked
  } = readContext(context, currentTrace()['traceparent'] ?? '');
  assertWholeRouter(asked.caller, 'vms:write');
  if (seconds > longestPlanSeconds)
    throw invalid([{ field: 'expires_in_seconds', message: `must be 1 to ${longestPlanSeconds}` }]);
  return { ...asked, id, router, reduce, inParts, request, lifetimeMs: seconds === 0 ? planMs : seconds * 1_000 };
}
