import type { Sql } from '@berth/database';
import type { VmList, VmOrder, VmPage } from '../../../app/vms/list-vms.ts';
import { alive, selected, toVm, type VmRow } from './vm-rows.ts';

/** What each order compares; there is an index for each on living VMs. The key must survive the way to text and back unchanged. */
const orders: Record<VmOrder, { readonly key: string; readonly type: string }> = {
  name: { key: 'lower(vms.name)', type: 'text' },
  created_at: { key: 'vms.created_at', type: 'timestamptz' },
  updated_at: { key: 'vms.updated_at', type: 'timestamptz' },
  internal_ip: { key: 'vms.internal_ip::inet', type: 'inet' },
};

/** Holders of numbers in spaces of some kinds: found space by space through the index that keeps every value to one holder. */
const holdersOf = (kinds: string, range: string) => `vms.id IN (
    SELECT a.vm_id FROM spaces s CROSS JOIN LATERAL (
      SELECT vm_id FROM allocations WHERE space_id = s.id AND held && ${range} AND kind = 'vm'
    ) a WHERE s.kind IN (${kinds}))`;

const literally = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&');

/** The conditions of a page and their values, in the order in which they were added. */
class Conditions {
  readonly texts: string[] = [alive];
  readonly values: unknown[] = [];

  /** `condition` gets the value's placeholders. */
  add(condition: (...placeholders: string[]) => string, ...values: unknown[]): void {
    const first = this.values.length + 1;
    this.values.push(...values);
    this.texts.push(condition(...values.map((_, index) => `$${first + index}`)));
  }
}

function conditionsOf({ filter, addresses, order, descending, after }: VmPage): Conditions {
  const where = new Conditions();
  const is = (column: string, value: string) => value !== '' && where.add((at) => `vms.${column} = ${at}`, value);
  is('router', filter.router);
  is('mac_address', filter.macAddress);
  if (filter.states.length > 0) where.add((at) => `vms.state = ANY(${at}::text[])`, filter.states);
  if (filter.pool !== '') {
    const named = (at: string) => `ARRAY(SELECT id FROM pools WHERE ${at} IN (kind || '/' || name, name))`;
    where.add((at) => `ARRAY[vms.ip_pool, vms.port_pool, vms.rule_pool] && ${named(at)}`, filter.pool);
  }
  if (addresses) {
    const range = (first: string, last: string) => `int8range(${first}::bigint, ${last}::bigint, '[]')`;
    where.add((first, last) => holdersOf(`'address'`, range(first ?? '', last ?? '')), addresses.first, addresses.last);
  }
  if (filter.externalPort !== 0) {
    where.add((at) => holdersOf(`'tcp', 'udp'`, `int8range(${at}::bigint, ${at}::bigint, '[]')`), filter.externalPort);
  }
  if (filter.text !== '') {
    const columns = ['name', 'hostname', 'mac_address', 'internal_ip', 'metadata::text'];
    where.add(
      (at) => `(${columns.map((column) => `vms.${column} ILIKE ${at}`).join(' OR ')})`,
      `%${literally(filter.text)}%`,
    );
  }
  if (after) {
    const { key, type } = orders[order];
    const sign = descending ? '<' : '>';
    where.add((place, id) => `(${key}, vms.id) ${sign} (${place}::text::${type}, ${id}::uuid)`, ...after);
  }
  return where;
}

/** The groups of which VMs are wanted and may be seen. */
function groupsToRead({ visibleTo, filter }: VmPage): 'all' | readonly string[] {
  const wanted = filter.withoutGroup ? '' : filter.ownerGroup || undefined;
  if (wanted === undefined) return visibleTo;
  return visibleTo === 'all' || visibleTo.includes(wanted) ? [wanted] : [];
}

/** Lists living VMs, one statement per page. */
export const postgresVmList = (sql: Sql): VmList => ({
  async page(page) {
    const { key } = orders[page.order];
    const way = page.descending ? 'DESC' : 'ASC';
    const { texts, values } = conditionsOf(page);
    const order = `ORDER BY ${key} ${way}, vms.id ${way} LIMIT $${values.length + 1}`;
    const pageOf = (...more: string[]) =>
      `SELECT ${selected}, (${key})::text AS place FROM vms WHERE ${[...texts, ...more].join(' AND ')} ${order}`;
    const groups = groupsToRead(page);
    const bound = [...values, page.size];
    // Of each group a page in order, by its index, and of those the first: a page costs the same however many VMs of others there are.
    const ofGroups = groups === 'all' ? [] : groups.map((group) => pageOf(`vms.owner_group = $${bound.push(group)}`));
    if (groups !== 'all' && groups.length === 0) return [];
    const rows = await sql.query<VmRow & { place: string }>(
      groups === 'all'
        ? pageOf()
        : `SELECT * FROM (${ofGroups.map((one) => `(${one})`).join(' UNION ALL ')}) AS vms ${order}`,
      bound,
    );
    return rows.map((row) => ({ vm: toVm(row), place: [row.place, row.id] as const }));
  },
});
