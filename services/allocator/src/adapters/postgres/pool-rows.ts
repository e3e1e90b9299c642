import type { Sql } from '@berth/database';
import type { Pool, PoolKind, PoolSpec, PoolState } from '../../domain/pool.ts';

/** A pool's row as the driver package reads it. */
interface PoolRow {
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
  readonly created_at: string;
  readonly updated_at: string;
}

const emptySpecs: Record<PoolKind, PoolSpec> = {
  'ip-pools': {
    kind: 'ip-pools',
    cidrs: [],
    ranges: [],
    exclusions: [],
    gateway: '',
    dns: [],
    leaseSeconds: 0,
    dhcpNetwork: '',
    subnet: '',
    subnetId: 0,
  },
  'port-pools': { kind: 'port-pools', externalIp: '', interface: '', ranges: [], denied: [], protocols: [] },
  'rule-pools': { kind: 'rule-pools', ranges: [], exclusions: [] },
};

/** Every pool of these routers, whole. */
export async function poolsOf(sql: Sql, routers: readonly string[]): Promise<Pool[]> {
  const rows = await sql.query<PoolRow>(
    `SELECT *, EXISTS (SELECT FROM pool_defaults d WHERE d.pool_id = pools.id) AS is_default
     FROM pools WHERE router = ANY($1) ORDER BY kind, name`,
    [routers],
  );
  return rows.map((row) => ({
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
  }));
}
