import type { Database, Sql } from '@berth/database';
import type { CommandPlan, PlanBook, PlanReader } from '../../../app/plans/plan-ports.ts';
import { groupsOfPlan } from '../../../app/plans/read-plans.ts';
import { maxLivePlans } from '../../../domain/plans/plan.ts';
import { keysKept } from '../operations/operation-book.ts';
import { endingPlans, handHoldsOver, holdTakings, releaseHolds } from './plan-holds.ts';

interface PlanRow {
  readonly id: string;
  readonly seq: string;
  readonly state: CommandPlan['state'];
  readonly kind: CommandPlan['kind'];
  readonly request: string;
  readonly principal_id: string;
  readonly principal_group: string;
  readonly user_id: string;
  readonly routers: readonly string[];
  readonly mode: CommandPlan['mode'];
  readonly commands: CommandPlan['commands'];
  readonly changes: CommandPlan['changes'];
  readonly versions: CommandPlan['versions'];
  readonly vms: CommandPlan['vms'];
  readonly refused: CommandPlan['refused'];
  readonly warnings: CommandPlan['warnings'];
  readonly foreseen: CommandPlan['foreseen'];
  readonly hash: string;
  readonly operation_id: string | null;
  readonly fingerprint: Uint8Array | null;
  readonly created_at: string;
  readonly expires_at: string;
  readonly reason: string;
  readonly shown: CommandPlan['state'];
  readonly operation_state: CommandPlan['operationState'];
}

const operationState = `coalesce((SELECT o.state FROM operations o WHERE o.id = plans.operation_id),
  (SELECT b.state FROM bulks b WHERE b.id = plans.operation_id))`;

/** As it is to be shown: over when its time is, whether or not somebody has noted that, and failed when what it started has. */
const shown = `CASE WHEN state IN ('making', 'open') AND expires_at <= clock_timestamp() THEN 'expired'
  WHEN state = 'applied' AND ${operationState} = 'failed' THEN 'failed' ELSE state END`;

const columns = `*, ${operationState} AS operation_state, ${shown} AS shown`;

const toPlan = (row: PlanRow): CommandPlan => ({
  id: row.id,
  state: row.shown,
  kind: row.kind,
  request: row.request,
  principalId: row.principal_id,
  principalGroup: row.principal_group,
  userId: row.user_id,
  routers: row.routers,
  mode: row.mode,
  commands: row.commands,
  changes: row.changes,
  versions: row.versions,
  vms: row.vms,
  refused: row.refused,
  warnings: row.warnings,
  foreseen: row.foreseen,
  hash: row.hash,
  operationId: row.operation_id,
  operationState: row.operation_state,
  reason: row.reason,
  createdAt: new Date(row.created_at),
  expiresAt: new Date(row.expires_at),
});

/** Plans in Postgres, for a transaction that has the locks of their routers. */
export const postgresPlans = (sql: Sql): PlanBook => ({
  async known(id, key) {
    const [row] = await sql.query<PlanRow>(
      `SELECT ${columns} FROM plans WHERE id = $1
         OR (key_scope = $2 AND key = $3 AND state <> 'making' AND created_at > clock_timestamp() - interval '${keysKept}')
       ORDER BY id = $1 DESC, seq DESC LIMIT 1`,
      [id, key?.scope ?? null, key?.key ?? null],
    );
    return row && { plan: toPlan(row), fingerprint: row.id === id ? null : row.fingerprint };
  },

  async countLive(principalId) {
    await sql.execute('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`plans of ${principalId}`]);
    const [row] = await sql.query<{ live: number }>(
      `SELECT count(*)::int AS live FROM (SELECT FROM plans WHERE principal_id = $1 AND state IN ('making', 'open')
         AND expires_at > clock_timestamp() LIMIT ${maxLivePlans}) live`,
      [principalId],
    );
    return row?.live ?? 0;
  },

  async insert(plan, takings, key) {
    const json = [plan.commands, plan.changes, plan.versions, plan.vms, plan.refused, plan.warnings, plan.foreseen];
    await sql.execute(
      `INSERT INTO plans (id, state, kind, request, principal_id, principal_group, routers, mode, created_at, expires_at, hash,
         key_scope, key, fingerprint, commands, changes, versions, vms, refused, warnings, foreseen, user_id, groups)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
      [
        ...[
          plan.id,
          plan.state,
          plan.kind,
          plan.request,
          plan.principalId,
          plan.principalGroup,
          plan.routers,
          plan.mode,
        ],
        ...[plan.createdAt, plan.expiresAt, plan.hash],
        ...[key?.scope ?? null, key?.key ?? null, key ? Buffer.from(key.fingerprint) : null],
        ...json.map((part) => JSON.stringify(part)),
        ...[plan.userId, groupsOfPlan(plan)],
      ],
    );
    await holdTakings(sql, plan.id, takings, new Map(plan.vms.map((vm) => [vm.vmId, vm])));
  },

  async lock(id) {
    const [row] = await sql.query<PlanRow>(`SELECT ${columns} FROM plans WHERE id = $1 FOR NO KEY UPDATE`, [id]);
    return row && toPlan(row);
  },

  async put({ id, state, foreseen, warnings, hash, operationId, expiresAt, reason }) {
    await sql.execute(
      `UPDATE plans SET state = $2, foreseen = $3, warnings = $4, hash = $5, operation_id = $6, expires_at = $7, reason = $8 WHERE id = $1`,
      [id, state, JSON.stringify(foreseen), JSON.stringify(warnings), hash, operationId, expiresAt, reason],
    );
  },

  handOver: handHoldsOver(sql),
  release: (id) => releaseHolds(sql, [id]),

  async forget(id) {
    await releaseHolds(sql, [id]);
    await sql.execute('DELETE FROM plans WHERE id = $1', [id]);
  },

  async versionsOf(vmIds) {
    // A change of metadata is no revision, and no reason to plan again.
    const rows = await sql.query<{ id: string; revision: string }>('SELECT id, revision FROM vms WHERE id = ANY($1)', [
      vmIds,
    ]);
    return Object.fromEntries(rows.map(({ id, revision }) => [id, Number(revision)]));
  },
});

/** Plans as they are now. */
export const postgresPlanReader = (database: Database): PlanReader => ({
  async find(id) {
    const [row] = await database.query<PlanRow>(`SELECT ${columns} FROM plans WHERE id = $1 AND state <> 'making'`, [
      id,
    ]);
    return row && toPlan(row);
  },

  async list({ principalId, userId, groups }, { states, after, most }) {
    const rows = await database.query<PlanRow>(
      `SELECT ${columns} FROM plans WHERE state <> 'making' AND (principal_id = $1 OR user_id = $6 OR $2::text[] IS NULL OR groups <@ $2)
         AND seq < coalesce($3::bigint, 9223372036854775807)
         AND (cardinality($4::text[]) = 0 OR ${shown} = ANY($4)) ORDER BY seq DESC LIMIT $5`,
      [principalId, groups === 'all' ? null : groups, after ?? null, states, most, userId || null],
    );
    return rows.map((row) => ({ plan: toPlan(row), place: row.seq }));
  },
});

/** All routers of plans that are to be ended; undefined: there is no such plan. */
export async function routersOfDuePlans(sql: Sql): Promise<readonly string[] | undefined> {
  const due = await sql.query<Pick<PlanRow, 'routers'>>(`SELECT routers FROM plans WHERE ${endingPlans}`);
  return due.length === 0 ? undefined : [...new Set(due.flatMap(({ routers }) => routers))];
}

/** Drops plans of long ago. */
export const dropOldPlans = (sql: Sql): Promise<number> =>
  sql.execute(
    `DELETE FROM plans WHERE state NOT IN ('making', 'open') AND created_at <= clock_timestamp() - interval '7 days'`,
  );
