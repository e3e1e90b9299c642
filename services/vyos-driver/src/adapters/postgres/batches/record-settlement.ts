import type { Sql } from '@berth/database';
import type { Send } from '@berth/messaging';
import type { ReleasedPath } from '../../../app/owned-paths.ts';
import { type AdoptedPaths, ChangesWithdrawn, mustBeSaved, type Settlement } from '../../../app/router-ledger.ts';
import type { Revision } from '../../../domain/changes/revision.ts';
import type { Conflict } from '../../../domain/changes/verdict.ts';
import type { ConfigTree } from '../../../domain/config-tree.ts';
import { recordHistory } from '../history/record-history.ts';
import { settledMessage, type VerdictRow, verdictColumns } from '../router-messages.ts';
import { lockResources, settledMeanwhile } from './settled-meanwhile.ts';

/** A verdict that is to be written. */
export interface Judgement {
  readonly resourceId: string;
  readonly revision: Revision;
  readonly verdict: VerdictRow['verdict'];
  readonly code: string;
  readonly text: string;
  readonly conflict?: Conflict;
}

/**
 * Records all parts of a settlement, and sends the verdicts that are new, in the caller's transaction. Gives back what was released. Throws
 * ChangesWithdrawn when no batch began with what was applied, and some of it was withdrawn meanwhile.
 */
export async function recordSettlement(
  sql: Sql,
  send: Send,
  router: string,
  settlement: Settlement,
): Promise<readonly ReleasedPath[]> {
  const judgements: readonly Judgement[] = [
    ...(settlement.applied ?? []).map((change) => ({ ...change, verdict: 'applied' as const, code: '', text: '' })),
    ...(settlement.rejected ?? []).map((change) => ({ ...change, verdict: 'rejected' as const })),
  ];
  const stood = settlement.stood ?? [];
  await lockResources(sql, router, [...judgements.map((judgement) => judgement.resourceId), ...stood]);
  // What a batch began with is not withdrawn any more; what needed none may have been, while the router was read.
  const gone = settlement.batch ? [] : await settledMeanwhile(sql, router, settlement.applied ?? []);
  if (gone.length > 0) throw new ChangesWithdrawn(gone);
  if (stood.length > 0) {
    await sql.execute('UPDATE resources SET stood = true WHERE router = $1 AND resource_id = ANY($2)', [router, stood]);
  }
  await recordApplied(sql, router, settlement.applied ?? []);
  await judge(sql, send, router, judgements, settlement.batch?.id);
  if (settlement.batch !== undefined) await endBatch(sql, settlement.batch);
  if (mustBeSaved(settlement) || settlement.costModel !== undefined) {
    await sql.execute(
      `UPDATE routers SET applied_count = applied_count + $2, cost_model = coalesce($3::jsonb, cost_model) WHERE name = $1`,
      [
        router,
        mustBeSaved(settlement) ? 1 : 0,
        settlement.costModel === undefined ? null : JSON.stringify(settlement.costModel),
      ],
    );
  }
  await adoptPaths(sql, router, settlement.adopted ?? []);
  const released = await letGo(sql, router, settlement);
  await recordHistory(sql, send, router, settlement);
  return released;
}

/** Makes what others made the resources' own. A path that is somebody's already breaks the transaction: the holder's copy says that it is nobody's. */
async function adoptPaths(sql: Sql, router: string, adopted: readonly AdoptedPaths[]): Promise<void> {
  const paths = adopted.flatMap(({ resourceId, keys }) => keys.map((key) => ({ resourceId, key })));
  if (paths.length === 0) return;
  await sql.execute(
    'INSERT INTO owned_paths (router, path, resource_id) SELECT $1, * FROM unnest($2::text[], $3::text[])',
    [router, paths.map(({ key }) => key), paths.map(({ resourceId }) => resourceId)],
  );
}

/**
 * Released paths stay with their resources until the commit that was just counted is saved; with them all that their resources ever had
 * there, since the saved configuration may be older than the last content.
 */
async function letGo(
  sql: Sql,
  router: string,
  { released = [], unclaimed = [] }: Settlement,
): Promise<readonly ReleasedPath[]> {
  const rows =
    released.length === 0
      ? []
      : await sql.query<{ path: string; released_content: readonly ConfigTree[] }>(
          `UPDATE owned_paths SET released_at = (SELECT applied_count FROM routers WHERE name = $1),
             released_content = (SELECT coalesce(jsonb_agg(DISTINCT had.content), '[]') FROM batch_changes AS change
               CROSS JOIN LATERAL (VALUES (change.before -> owned_paths.path), (change.after -> owned_paths.path)) AS had (content)
               WHERE change.router = $1 AND change.resource_id = owned_paths.resource_id AND had.content IS NOT NULL)
           WHERE router = $1 AND path = ANY($2) RETURNING path, released_content`,
          [router, released],
        );
  if (unclaimed.length > 0) {
    await sql.execute('DELETE FROM owned_paths WHERE router = $1 AND path = ANY($2)', [router, unclaimed]);
  }
  return rows.map(({ path, released_content }) => ({ key: path, contents: released_content }));
}

async function recordApplied(sql: Sql, router: string, applied: NonNullable<Settlement['applied']>): Promise<void> {
  if (applied.length === 0) return;
  await sql.execute(
    `UPDATE resources SET applied = CASE WHEN change.fragment = '{"rules":[]}' THEN NULL ELSE change.fragment END,
       applied_incarnation = change.incarnation, applied_number = change.number
     FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::jsonb[]) AS change (resource_id, incarnation, number, fragment)
     WHERE resources.router = $1 AND resources.resource_id = change.resource_id`,
    [
      router,
      applied.map((change) => change.resourceId),
      applied.map((change) => change.revision.incarnation),
      applied.map((change) => change.revision.number),
      applied.map((change) => JSON.stringify(change.fragment)),
    ],
  );
}

/** Writes each verdict once; a verdict that is there already stays as it is and is not told again. */
export async function judge(
  sql: Sql,
  send: Send,
  router: string,
  judgements: readonly Judgement[],
  batchId: string | undefined,
): Promise<void> {
  if (judgements.length === 0) return;
  const ids = judgements.map((judgement) => judgement.resourceId);
  const incarnations = judgements.map((judgement) => judgement.revision.incarnation);
  const numbers = judgements.map((judgement) => judgement.revision.number);
  const rows = await sql.query<VerdictRow>(
    `INSERT INTO verdicts (router, resource_id, incarnation, number, verdict, code, message, stood, batch_id, conflict)
     SELECT $1, new.resource_id, incarnation, number, verdict, code, message, verdict = 'rejected' AND resources.stood, $8, conflict
     FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $9::jsonb[])
       AS new (resource_id, incarnation, number, verdict, code, message, conflict)
     JOIN resources ON resources.router = $1 AND resources.resource_id = new.resource_id
     ON CONFLICT DO NOTHING
     RETURNING ${verdictColumns}`,
    [
      router,
      ids,
      incarnations,
      numbers,
      judgements.map((judgement) => judgement.verdict),
      judgements.map((judgement) => judgement.code),
      judgements.map((judgement) => judgement.text),
      batchId ?? null,
      judgements.map(({ conflict }) => (conflict === undefined ? null : JSON.stringify(conflict))),
    ],
  );
  await sql.execute(
    `UPDATE resources SET settled_incarnation = judged.incarnation, settled_number = judged.number, stood = false
     FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS judged (resource_id, incarnation, number)
     WHERE resources.router = $1 AND resources.resource_id = judged.resource_id
       AND (resources.settled_incarnation, resources.settled_number) < (judged.incarnation, judged.number)`,
    [router, ids, incarnations, numbers],
  );
  for (const row of rows) send(settledMessage(row));
}

async function endBatch(sql: Sql, batch: NonNullable<Settlement['batch']>): Promise<void> {
  await sql.execute(
    `UPDATE batches SET state = $2, outcome = $3, duration_ms = $4, ended_at = now() WHERE id = $1 AND state = 'sending'`,
    [batch.id, batch.state, batch.outcome, batch.durationMs === undefined ? null : Math.round(batch.durationMs)],
  );
}
