import type { Sql } from '@berth/database';
import type { BatchChange, NewBatch, OpenBatch, StoredContent } from '../../../app/router-ledger.ts';
import type { Fragment } from '../../../domain/changes/fragment.ts';
import type { Cause } from '../../../domain/changes/verdict.ts';
import { settledMeanwhile } from './settled-meanwhile.ts';

/**
 * Writes the batch as `sending` and claims the paths that its changes want. Nothing is written when some of its changes have been judged
 * meanwhile (withdrawn): gives back their resources.
 */
export async function writeBatchAhead(
  sql: Sql,
  router: string,
  epoch: bigint,
  batch: NewBatch,
): Promise<readonly string[]> {
  const { changes } = batch;
  const gone = await settledMeanwhile(
    sql,
    router,
    changes.filter(({ purpose }) => purpose === 'change'),
  );
  if (gone.length > 0) return gone;
  await sql.execute(
    `INSERT INTO batches (id, router, epoch, state, operations, estimate_ms, deadline, confirm_minutes)
     VALUES ($1, $2, $3, 'sending', $4, $5, now() + $6 * interval '1 millisecond', $7)`,
    [
      batch.id,
      router,
      epoch,
      JSON.stringify(batch.operations.map(({ op, path }) => [op, ...path])),
      Math.round(batch.estimateMs),
      batch.timeoutMs,
      batch.confirmMinutes ?? null,
    ],
  );
  await sql.execute(
    `INSERT INTO batch_changes (batch_id, router, resource_id, purpose, incarnation, number, fragment, causes, before, after, claims)
     SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::jsonb[], $8::jsonb[], $9::jsonb[], $10::jsonb[], $11::jsonb[])`,
    [
      batch.id,
      router,
      changes.map((change) => change.resourceId),
      changes.map((change) => change.purpose),
      changes.map((change) => change.revision.incarnation),
      changes.map((change) => change.revision.number),
      changes.map((change) => JSON.stringify(change.fragment)),
      changes.map((change) => JSON.stringify(change.causes)),
      changes.map((change) => JSON.stringify(change.before)),
      changes.map((change) => JSON.stringify(change.after)),
      changes.map((change) => JSON.stringify(change.claims)),
    ],
  );
  await claimPaths(sql, router, changes);
  return [];
}

async function claimPaths(sql: Sql, router: string, changes: readonly BatchChange[]): Promise<void> {
  const claims = changes.flatMap((change) =>
    Object.keys(change.after).map((key) => ({ key, resourceId: change.resourceId })),
  );
  const keys = claims.map((claim) => claim.key);
  const owners = claims.map((claim) => claim.resourceId);
  await sql.execute(
    `INSERT INTO owned_paths (router, path, resource_id)
     SELECT $1, path, resource_id FROM unnest($2::text[], $3::text[]) AS claim (path, resource_id)
     ON CONFLICT (router, path) DO UPDATE SET resource_id = excluded.resource_id, released_at = NULL, released_content = NULL
       WHERE owned_paths.released_at IS NOT NULL`,
    [router, keys, owners],
  );
  const foreign = await sql.query<{ path: string }>(
    `SELECT owned.path FROM unnest($2::text[], $3::text[]) AS claim (path, resource_id)
     JOIN owned_paths AS owned ON owned.router = $1 AND owned.path = claim.path AND owned.resource_id <> claim.resource_id`,
    [router, keys, owners],
  );
  if (foreign.length > 0) throw new Error(`a batch claims ${foreign.length} paths that other resources own`);
}

/** The batch whose end is not known, if there is one. */
export async function readOpenBatch(sql: Sql, router: string): Promise<OpenBatch | undefined> {
  const [batch] = await sql.query<{
    id: string;
    epoch: string;
    estimate_ms: number;
    age_ms: number;
    outcome: string;
    confirm_minutes: number | null;
  }>(
    `SELECT id, epoch, estimate_ms, outcome, confirm_minutes, extract(epoch FROM clock_timestamp() - sent_at)::float8 * 1000 AS age_ms
     FROM batches WHERE router = $1 AND state = 'sending'`,
    [router],
  );
  if (batch === undefined) return undefined;
  const rows = await sql.query<{
    resource_id: string;
    purpose: BatchChange['purpose'];
    incarnation: string;
    number: string;
    fragment: Fragment;
    causes: readonly Cause[];
    before: StoredContent;
    after: StoredContent;
    claims: readonly string[];
  }>('SELECT * FROM batch_changes WHERE batch_id = $1 ORDER BY resource_id', [batch.id]);
  const changes = rows.map((row) => ({
    resourceId: row.resource_id,
    purpose: row.purpose,
    revision: { incarnation: BigInt(row.incarnation), number: BigInt(row.number) },
    fragment: row.fragment,
    causes: row.causes,
    before: row.before,
    after: row.after,
    claims: row.claims,
  }));
  return {
    id: batch.id,
    epoch: BigInt(batch.epoch),
    estimateMs: batch.estimate_ms,
    ageMs: batch.age_ms,
    note: batch.outcome,
    confirmMinutes: batch.confirm_minutes ?? undefined,
    changes,
  };
}
