import type { Sql } from '@berth/database';
import type { Pool, PoolKind, PoolSpec, PoolState } from '../../../domain/pools/pool.ts';

/** A pool's row as the driver package reads it. */
export interface PoolRow {
  readonly id: string;
  readonly kind: PoolKind;
  readonly name: string;
  readonly router: string;
  readonly description: string;
  readonly groups: string[];
  readonly is_default: boolean;
  readonly state: PoolState;
  readonly spec: Partial<PoolSpec>;
  readonly alert_thresholds: number[];
  readonly from_settings: boolean;
  readonly version: string;
  /** Moments come as text from raw statements. */
  readonly created_at: string;
  readonly updated_at: string;
}

const emptySpecs: { readonly [Kind in PoolKind]: Extract<PoolSpec, { kind: Kind }> } = {
  'ip-pools': {
    ...{ kind: 'ip-pools', cidrs: [], ranges: [], exclusions: [], gateway: '', dns: [] },
    ...{ leaseSeconds: 0, dhcpNetwork: '', subnet: '', subnetId: 0 },
  },
  'port-pools': { kind: 'port-pools', externalIp: '', interface: '', ranges: [], denied: [], protocols: [] },
  'rule-pools': { kind: 'rule-pools', ranges: [], exclusions: [] },
};

export const toPool = (row: PoolRow): Pool => ({
  id: row.id,
  name: row.name,
  router: row.router,
  description: row.description,
  groups: row.groups,
  isDefault: row.is_default,
  state: row.state,
  // One that an older version made has no spec before the settings' pools are followed for the first time.
  spec: { ...emptySpecs[row.kind], ...row.spec, kind: row.kind } as PoolSpec,
  alertThresholds: row.alert_thresholds,
  fromSettings: row.from_settings,
  version: Number(row.version),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

/** The columns of a PoolRow, of `pools p`. */
export const poolColumns = `p.id, p.kind, p.name, p.router, p.description, p.groups,
  EXISTS (SELECT FROM pool_defaults d WHERE d.pool_id = p.id) AS is_default,
  p.state, p.spec, p.alert_thresholds, p.from_settings, p.version, p.created_at, p.updated_at`;

export async function findPool(sql: Sql, kind: PoolKind, name: string): Promise<Pool | undefined> {
  const rows = await sql.query<PoolRow>(`SELECT ${poolColumns} FROM pools p WHERE p.kind = $1 AND p.name = $2`, [
    kind,
    name,
  ]);
  return rows.map(toPool)[0];
}

export async function poolsById(sql: Sql, ids: readonly string[]): Promise<Pool[]> {
  if (ids.length === 0) return [];
  const rows = await sql.query<PoolRow>(`SELECT ${poolColumns} FROM pools p WHERE p.id = ANY($1) ORDER BY kind, name`, [
    ids,
  ]);
  return rows.map(toPool);
}

/** Every pool of these routers, whole. */
export async function poolsOf(sql: Sql, routers: readonly string[]): Promise<Pool[]> {
  const rows = await sql.query<PoolRow>(
    `SELECT ${poolColumns} FROM pools p WHERE p.router = ANY($1) ORDER BY p.kind, p.name`,
    [routers],
  );
  return rows.map(toPool);
}
