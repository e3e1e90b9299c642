import type { Sql } from '@berth/database';
import { LookAgain } from '../../../app/ports.ts';
import type { PoolRef, Vm } from '../../../domain/vms/vm.ts';

/** A VM's row as the driver package reads it. */
export interface VmRow {
  readonly id: string;
  readonly name: string;
  readonly mac_address: string;
  readonly hostname: string;
  readonly router: string;
  readonly site: Vm['site'];
  readonly internal_ip: string;
  readonly rules: Vm['rules'];
  readonly port_range: Vm['portRange'];
  readonly ip_pool: string | null;
  readonly ip_pool_name: string | null;
  readonly port_pool: string | null;
  readonly port_pool_name: string | null;
  readonly rule_pool: string | null;
  readonly rule_pool_name: string | null;
  readonly metadata: Vm['metadata'];
  readonly owner_group: string;
  readonly state: Vm['state'];
  readonly forwards: Vm['forwards'];
  readonly wanted: Vm['wanted'];
  readonly unsettled: boolean;
  readonly revision: string;
  readonly incarnation: string;
  readonly version: string;
  readonly adopted: Vm['adopted'] | null;
  /** Moments come as text from raw statements. */
  readonly created_at: string;
  readonly updated_at: string;
}

const poolRef = (id: string | null, name: string | null): PoolRef | null =>
  id !== null && name !== null ? { id, name } : null;

export const toVm = (row: VmRow): Vm => ({
  id: row.id,
  name: row.name,
  macAddress: row.mac_address,
  hostname: row.hostname,
  router: row.router,
  site: row.site,
  internalIp: row.internal_ip,
  rules: row.rules,
  portRange: row.port_range,
  ipPool: poolRef(row.ip_pool, row.ip_pool_name),
  portPool: poolRef(row.port_pool, row.port_pool_name),
  rulePool: poolRef(row.rule_pool, row.rule_pool_name),
  metadata: row.metadata,
  ownerGroup: row.owner_group,
  state: row.state,
  forwards: row.forwards,
  wanted: row.wanted,
  unsettled: row.unsettled,
  revision: Number(row.revision),
  incarnation: Number(row.incarnation),
  version: Number(row.version),
  ...(row.adopted && { adopted: row.adopted }),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

/** A VM's columns, with the names of its pools: each a look by primary key. */
export const selected = ['ip_pool', 'port_pool', 'rule_pool'].reduce(
  (columns, pool) =>
    `${columns}, (SELECT p.kind || '/' || p.name FROM pools p WHERE p.id = vms.${pool}) AS ${pool}_name`,
  'vms.*',
);

/** Holds for living VMs; word for word the condition of the indexes on them. */
export const alive = "state NOT IN ('failed', 'removed')";

/** VMs by id, tombstones too. */
export async function vmsById(sql: Sql, ids: readonly string[]): Promise<Vm[]> {
  if (ids.length === 0) return [];
  return (await sql.query<VmRow>(`SELECT ${selected} FROM vms WHERE id = ANY($1)`, [ids])).map(toVm);
}

/** Living VMs whose name (ignoring case) or id is one of these. */
export async function vmsAlive(sql: Sql, ids: readonly string[], names: readonly string[]): Promise<Vm[]> {
  const rows = await sql.query<VmRow>(
    `SELECT ${selected} FROM vms WHERE id = ANY($1) AND ${alive}
     UNION ALL SELECT ${selected} FROM vms WHERE lower(name) = ANY($2) AND NOT id = ANY($1) AND ${alive}`,
    [ids, names],
  );
  return rows.map(toVm);
}

const columns = [
  ['id', 'uuid'],
  ['name', 'text'],
  ['mac_address', 'text'],
  ['hostname', 'text'],
  ['router', 'text'],
  ['site', 'jsonb'],
  ['internal_ip', 'text'],
  ['rules', 'jsonb'],
  ['port_range', 'jsonb'],
  ['ip_pool', 'uuid'],
  ['port_pool', 'uuid'],
  ['rule_pool', 'uuid'],
  ['metadata', 'jsonb'],
  ['owner_group', 'text'],
  ['state', 'text'],
  ['forwards', 'jsonb'],
  ['wanted', 'jsonb'],
  ['unsettled', 'boolean'],
  ['revision', 'bigint'],
  ['incarnation', 'bigint'],
  ['version', 'bigint'],
  ['adopted', 'jsonb'],
  ['created_at', 'timestamptz'],
  ['updated_at', 'timestamptz'],
] as const;

const names = columns.map(([name]) => name).join(', ');
const changeable = [
  'name',
  'mac_address',
  'hostname',
  'metadata',
  'owner_group',
  'internal_ip',
  'rules',
  'ip_pool',
  'state',
  'forwards',
  'wanted',
  'unsettled',
  'revision',
  'incarnation',
  'version',
  'updated_at',
];
const upsert = `INSERT INTO vms (${names}, resend_at)
  SELECT ${names}, clock_timestamp() + make_interval(secs => $2)
  FROM jsonb_to_recordset($1::jsonb) AS r (${columns.map((column) => column.join(' ')).join(', ')})
  ORDER BY id
  ON CONFLICT (id) DO UPDATE SET ${changeable.map((name) => `${name} = excluded.${name}`).join(', ')},
    resend_at = CASE WHEN vms.revision = excluded.revision THEN vms.resend_at ELSE excluded.resend_at END,
    sends = CASE WHEN vms.revision = excluded.revision THEN vms.sends ELSE 0 END
  WHERE vms.router = excluded.router`;

/**
 * Writes VMs whole, new and changed ones in one statement. A VM's router never changes: `LookAgain` when an id has come to be a VM's on
 * another router, whose lock this transaction does not have.
 */
export async function storeVms(sql: Sql, vms: readonly Vm[], resendAfterSeconds: number): Promise<void> {
  if (vms.length === 0) return;
  const rows = vms.map((vm) => ({
    id: vm.id,
    name: vm.name,
    mac_address: vm.macAddress,
    hostname: vm.hostname,
    router: vm.router,
    site: vm.site,
    internal_ip: vm.internalIp,
    rules: vm.rules,
    port_range: vm.portRange,
    ip_pool: vm.ipPool?.id ?? null,
    port_pool: vm.portPool?.id ?? null,
    rule_pool: vm.rulePool?.id ?? null,
    metadata: vm.metadata,
    owner_group: vm.ownerGroup,
    state: vm.state,
    forwards: vm.forwards,
    wanted: vm.wanted,
    unsettled: vm.unsettled,
    revision: vm.revision,
    incarnation: vm.incarnation,
    version: vm.version,
    adopted: vm.adopted ?? null,
    created_at: vm.createdAt,
    updated_at: vm.updatedAt,
  }));
  if ((await sql.execute(upsert, [JSON.stringify(rows), resendAfterSeconds])) < rows.length) throw new LookAgain();
}

/** VMs whose verdict is overdue; their next turn is put off, longer each time. Rows that another transaction works on are left out. */
export async function overdueVms(sql: Sql, resendAfterSeconds: number, most: number): Promise<Vm[]> {
  const rows = await sql.query<VmRow>(
    `UPDATE vms SET sends = sends + 1, resend_at = clock_timestamp() + make_interval(secs => least(3600, $1 * 2 ^ least(sends + 1, 12)))
     WHERE id IN (SELECT id FROM vms WHERE unsettled AND resend_at < clock_timestamp() ORDER BY resend_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING ${selected}`,
    [resendAfterSeconds, most],
  );
  return rows.map(toVm);
}
