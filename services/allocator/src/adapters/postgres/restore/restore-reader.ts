import type { Database } from '@berth/database';
import type { PastVm, RestoreReader } from '../../../app/restore/plan-rollback.ts';
import { type OperationRow, toOperation } from '../operations/operation-rows.ts';
import { alive, selected, toVm, type VmRow, vmsById } from '../vms/vm-rows.ts';

/** What the books remember of VMs, without locks. */
export const postgresRestoreReader = (database: Database): RestoreReader => ({
  alive: async (router) =>
    (await database.query<VmRow>(`SELECT ${selected} FROM vms WHERE router = $1 AND ${alive}`, [router])).map(toVm),

  async confirmed(router, { after, most }) {
    const rows = await database.query<VmRow>(
      `SELECT ${selected} FROM vms WHERE router = $1 AND ${alive} AND state <> 'provisioning' AND id::text > $2
       ORDER BY id::text LIMIT $3`,
      [router, after, most],
    );
    return rows.map(toVm);
  },

  async past(vmIds) {
    if (vmIds.length === 0) return [];
    const rows = await database.query<OperationRow>(
      'SELECT * FROM operations WHERE vm_id = ANY($1) AND result IS NOT NULL ORDER BY seq',
      [vmIds],
    );
    const left = rows
      .map(toOperation)
      .flatMap(({ result, createdAt }): PastVm[] => (result ? [{ vm: result, askedAt: createdAt }] : []));
    const last = await vmsById(database, vmIds);
    return [...left, ...last.map((vm): PastVm => ({ vm, askedAt: vm.updatedAt }))];
  },
});
