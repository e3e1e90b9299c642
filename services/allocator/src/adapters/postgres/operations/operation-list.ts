import type { Database } from '@berth/database';
import type { OperationList, Visibility } from '../../../app/operations/list-operations.ts';
import { isUuid } from '../../../domain/text-rules.ts';
import { type OperationRow, toOperation } from './operation-rows.ts';

/** Operations in Postgres, page by page. */
export const postgresOperationList = (database: Database): OperationList => ({
  async page({ filter, visibleTo, before, size }) {
    const conditions: string[] = ['true'];
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
    const newest = (where: string) => `SELECT * FROM operations WHERE ${where} ORDER BY seq DESC LIMIT $1`;
    const rows = await database.query<OperationRow & { seq: string }>(
      visibleOnes(visibleTo, add, (own) => newest([...conditions, ...own].join(' AND '))),
      values,
    );
    return rows.map((row) => ({ operation: toOperation(row), place: row.seq }));
  },
});

/**
 * The newest of what is visible: of each group and of the asker itself a page by an index of its own, and of those the newest. So a page
 * costs the same however many operations of others lie between. Each group is named, so that Postgres knows how much is of it.
 */
function visibleOnes(
  visibleTo: Visibility,
  add: (value: unknown) => string,
  newest: (more: readonly string[]) => string,
): string {
  if (visibleTo === 'all') return newest([]);
  const { groups, principalId, userId } = visibleTo;
  const named = `${add(groups)}::text[]`;
  const asker = add(principalId);
  const others = `NOT (owner_group = ANY(${named}))`;
  const parts = [
    ...groups.map((group) => `(${newest([`owner_group = ${add(group)}`])})`),
    `(${newest([others, `principal_id = ${asker}`])})`,
    ...(userId === ''
      ? []
      : [`(${newest([others, `user_id = ${add(userId)}`, "user_id <> ''", `principal_id <> ${asker}`])})`]),
  ];
  return `SELECT * FROM (${parts.join(' UNION ALL ')}) AS visible_ones ORDER BY seq DESC LIMIT $1`;
}
