import type { Database } from '@berth/database';
import type { VmReader } from '../../../app/vms/read-vms.ts';
import { isUuid } from '../../../domain/text-rules.ts';
import { operationsById } from '../operations/operation-rows.ts';
import { aliveByMachineId } from './vm-book.ts';
import { vmsAlive } from './vm-rows.ts';

/** Reads outside of any transaction that changes something. */
export const postgresReader = (database: Database): VmReader => ({
  async vm(machineId) {
    const vms = await vmsAlive(database, isUuid(machineId) ? [machineId] : [], [machineId.toLowerCase()]);
    return aliveByMachineId(vms, [machineId]).get(machineId);
  },
  async operation(id) {
    return (await operationsById(database, [id]))[0];
  },
  async placeOf({ id, vmId }) {
    const [row] = await database.query<{ behind: number; incarnation: number }>(
      `SELECT (SELECT count(*) FROM operations AS before
           WHERE before.vm_id = $2 AND before.state IN ('pending', 'running') AND before.seq < own.seq)::integer AS behind,
         coalesce((SELECT incarnation FROM vms WHERE id = $2), 0)::integer AS incarnation
       FROM operations AS own WHERE own.id = $1`,
      [id, vmId],
    );
    return row ?? { behind: 0, incarnation: 0 };
  },
  operationAfterWriters: (id) =>
    database.transaction(async (sql) => {
      // Whoever accepts commands looks at the clock while holding its routers' rows: this waits for all who have.
      await sql.execute('SELECT FROM routers ORDER BY name FOR SHARE');
      return (await operationsById(sql, [id]))[0];
    }),
});
