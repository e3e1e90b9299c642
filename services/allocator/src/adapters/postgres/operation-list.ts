import type { Database } from '@berth/database';
import type { OperationList } from '../../app/list-operations.ts';
import { isUuid } from '../../domain/text-rules.ts';
import { type OperationRow, toOperation } from './operation-rows.ts';

/** Operations in Postgres, page by page. */
export const postgresOperationList = (database: Database): OperationList => ({
  async page({ filter, visibleTo, before, size }) {
    const conditions: string[] = [];
    const values: unknown[] = [size];
    const add = (value: unknown): string => `$${values.push(value)}`;
    if (before !== undefined) conditions.push(`seq < ${add(before)}`);
    if (filter.states.length > 0) conditions.push(`state = ANY(${add(filter.states)})`);
    if (filter.kinds.length > 0) conditions.push(`kind = ANY(${add(filter.kinds)})`);
    if (filter.since !== undefined) conditions.push(`created_at >= ${add(filter.since.toISOString())}`);
    if (filter.machineId !== '') {
      const named = `lower(vm_name) = lower(${add(filter.machineId)})`;
      conditions.push(isUuid(filter.machineId) ? `(vm_id = ${add(filter.machineId)} OR ${named})` : named);
    }
    if (visibleTo.group !== '') {
      conditions.push(`(owner_group = ${add(visibleTo.group)} OR principal_id = ${add(visibleTo.principalId)})`);
    }
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const rows = await database.query<OperationRow & { seq: string }>(
      `SELECT * FROM operations ${where} ORDER BY seq DESC LIMIT $1`,
      values,
    );
    return rows.map((row) => ({ operation: toOperation(row), place: row.seq }));
  },
});
