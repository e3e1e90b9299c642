import type { Sql } from '@berth/database';
import type { Revision } from '../../../domain/changes/revision.ts';

interface Change {
  readonly resourceId: string;
  readonly revision: Revision;
}

/**
 * The resources of those changes that have been settled (withdrawn) since they were read, under the locks that a withdrawal needs too: for the others
 * it comes too late from here on.
 */
export async function settledMeanwhile(
  sql: Sql,
  router: string,
  changes: readonly Change[],
): Promise<readonly string[]> {
  const ids = changes.map(({ resourceId }) => resourceId);
  await lockResources(sql, router, ids);
  const rows = await sql.query<{ resource_id: string }>(
    `SELECT resource_id FROM resources JOIN unnest($2::text[], $3::bigint[], $4::bigint[]) AS asked (resource_id, incarnation, number)
       USING (resource_id)
     WHERE router = $1 AND (settled_incarnation, settled_number) >= (incarnation, number)`,
    [router, ids, changes.map(({ revision }) => revision.incarnation), changes.map(({ revision }) => revision.number)],
  );
  return rows.map((row) => row.resource_id);
}

/** In the order in which the inbox locks them. */
export async function lockResources(sql: Sql, router: string, resourceIds: readonly string[]): Promise<void> {
  if (resourceIds.length === 0) return;
  await sql.execute(
    'SELECT FROM resources WHERE router = $1 AND resource_id = ANY($2) ORDER BY resource_id COLLATE "C" FOR NO KEY UPDATE',
    [router, resourceIds],
  );
}
