import type { Database } from '@berth/database';
import type { Outbox } from '@berth/messaging';
import { hasEnded, type Operation } from '../../domain/operations/operation.ts';
import { desiredOf } from '../../domain/vms/vm.ts';
import type { MessageForms } from './ledger.ts';
import { type OperationRow, toOperation } from './operations/operation-rows.ts';
import { endDuePlans } from './plans/plan-holds.ts';
import { routersOfDuePlans } from './plans/plan-rows.ts';
import { lockRouters } from './router-rows.ts';
import { deriveForeign } from './values/foreign-store.ts';
import { type FreedRange, freeRanges } from './values/free-ranges.ts';
import { repairingSpans } from './values/spans-out-of-step.ts';
import { overdueVms } from './vms/vm-rows.ts';

/** Frees values whose quarantine is over. Gives back how many there were. Any replica may run it at any time. */
export async function endQuarantines(database: Database): Promise<number> {
  const due = await database.query<{ router: string }>(
    `SELECT DISTINCT s.router FROM allocations a JOIN spaces s ON s.id = a.space_id
     WHERE a.kind = 'quarantine' AND a.until < clock_timestamp()`,
  );
  if (due.length === 0) return 0;
  const free = () =>
    database.transaction(async (sql) => {
      const routers = [
        ...(
          await lockRouters(
            sql,
            due.map(({ router }) => router),
          )
        ).keys(),
      ];
      const freed = await sql.query<FreedRange>(
        `DELETE FROM allocations a USING spaces s WHERE s.id = a.space_id AND s.router = ANY($1)
         AND a.kind = 'quarantine' AND a.until < clock_timestamp()
       RETURNING a.space_id, lower(a.held)::float8 AS first, upper(a.held)::float8 - 1 AS last`,
        [routers],
      );
      await freeRanges(sql, freed);
      const doubled = await sql.query<{ router: string }>(
        'SELECT DISTINCT router FROM foreign_holdings WHERE conflict AND router = ANY($1)',
        [routers],
      );
      for (const { router } of doubled) await deriveForeign(sql, router);
      return freed.length;
    });
  return repairingSpans(database, free);
}

/** Ends plans whose time is over, or of which a router was removed. Gives back how many there were. Any replica may run it at any time. */
export async function endPlans(database: Database): Promise<number> {
  const routers = await routersOfDuePlans(database);
  if (routers === undefined) return 0;
  return repairingSpans(database, () =>
    database.transaction(async (sql) => {
      await lockRouters(sql, routers);
      return endDuePlans(sql, routers);
    }),
  );
}

const resentTogether = 200;

/**
 * Sends changes again whose verdict is overdue: the change or its verdict may be lost. The driver answers a revision that it has judged
 * from what it wrote down, so this never does anything twice. Gives back how many were sent.
 */
export const resendOverdue = (
  deps: { readonly outbox: Outbox; readonly messages: MessageForms },
  resendAfterSeconds: number,
): Promise<number> =>
  deps.outbox.transaction(async (sql, send) => {
    const vms = await overdueVms(sql, resendAfterSeconds, resentTogether);
    if (vms.length === 0) return 0;
    const rows = await sql.query<OperationRow>(
      `SELECT * FROM operations WHERE vm_id = ANY($1) AND state = 'running' ORDER BY seq`,
      [vms.map(({ id }) => id)],
    );
    const running: Operation[] = rows.map(toOperation).filter((operation) => !hasEnded(operation));
    for (const vm of vms) {
      const operations = running.filter(({ vmId, revision }) => vmId === vm.id && revision === vm.revision);
      send(deps.messages.change(vm, desiredOf(vm), operations));
    }
    return vms.length;
  });
