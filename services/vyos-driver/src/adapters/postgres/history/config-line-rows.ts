import type { Sql } from '@berth/database';
import type { Cause } from '../../../domain/changes/verdict.ts';
import type { ConfigLine, LineChange } from '../../../domain/history/config-line.ts';
import { facetsOf } from '../../../domain/history/line-facets.ts';
import type { ConfigNode } from '../../../domain/normal-tree.ts';

/** What shall stand at a path of a resource, or was seen there; without content: nothing of it. */
export interface LineNow {
  readonly key: string;
  readonly resourceId: string;
  readonly content: ConfigNode | undefined;
}

/** Where a line comes from; kept with it, since it outlives the entry. */
export interface StoredOrigin {
  readonly id: string;
  readonly number: number;
  readonly kind: string;
  /** RFC 3339. */
  readonly at: string;
  readonly causes: readonly Cause[];
}

interface ChangeRow {
  readonly path: string;
  readonly had_resource: string | null;
  readonly had: ConfigNode | null;
  readonly resource_id: string;
  readonly content: ConfigNode | null;
}

const toChange = (row: ChangeRow): LineChange => ({
  key: row.path,
  ...(row.had !== null && { before: { resourceId: row.had_resource ?? '', content: row.had } }),
  ...(row.content !== null && { after: { resourceId: row.resource_id, content: row.content } }),
});

/** What of `lines` differs from the newest state. That a line of somebody else is not a resource's is no difference. */
export async function changedLines(sql: Sql, router: string, lines: readonly LineNow[]): Promise<LineChange[]> {
  if (lines.length === 0) return [];
  const rows = await sql.query<ChangeRow>(
    `SELECT now.path, line.resource_id AS had_resource, line.content AS had, now.resource_id, now.content
     FROM unnest($2::text[], $3::text[], $4::jsonb[]) AS now (path, resource_id, content)
     LEFT JOIN config_lines AS line ON line.router = $1 AND line.path = now.path COLLATE "C"
     WHERE CASE WHEN now.content IS NULL THEN line.content IS NOT NULL AND line.resource_id = now.resource_id
       ELSE line.content IS DISTINCT FROM now.content OR line.resource_id <> now.resource_id END
     ORDER BY now.path COLLATE "C"`,
    [
      router,
      lines.map(({ key }) => key),
      lines.map(({ resourceId }) => resourceId),
      lines.map(({ content }) => (content === undefined ? null : JSON.stringify(content))),
    ],
  );
  return rows.map(toChange);
}

/** The lines of these resources (undefined: of all) that stood last and are not among `keys`. */
export async function missingLines(
  sql: Sql,
  router: string,
  resourceIds: readonly string[] | undefined,
  keys: readonly string[],
): Promise<LineChange[]> {
  const rows = await sql.query<{ path: string; resource_id: string; content: ConfigNode }>(
    `SELECT path, resource_id, content FROM config_lines
     WHERE router = $1 AND content IS NOT NULL AND ($2::text[] IS NULL OR resource_id = ANY($2))
       AND NOT EXISTS (SELECT FROM unnest($3::text[]) AS seen (path) WHERE seen.path COLLATE "C" = config_lines.path)
     ORDER BY path`,
    [router, resourceIds ?? null, keys],
  );
  return rows.map(({ path, resource_id, content }) => ({ key: path, before: { resourceId: resource_id, content } }));
}

interface LineWriting {
  readonly origin: (resourceId: string) => StoredOrigin;
  readonly keepsMissing: boolean;
  readonly keepsPut: boolean;
}

/**
 * Brings the newest state to where the changes lead. `keepsMissing`: a line of ours that is gone stays known as missing, with what put it there;
 * it is to come back. `keepsPut`: what became somebody's keeps what put it there.
 */
export async function writeLines(
  sql: Sql,
  router: string,
  changes: readonly LineChange[],
  { origin, keepsMissing, keepsPut }: LineWriting,
): Promise<void> {
  const gone = changes.filter(({ after }) => after === undefined);
  const missing = keepsMissing ? gone.filter(({ before }) => before?.resourceId !== '') : [];
  const removed = keepsMissing ? gone.filter(({ before }) => before?.resourceId === '') : gone;
  await deleteLines(sql, router, removed);
  await markMissing(sql, router, missing, origin);
  await upsertLines(
    sql,
    router,
    changes.flatMap(({ key, after }) => (after === undefined ? [] : [{ key, ...after }])),
    { origin, keepsPut },
  );
}

async function deleteLines(sql: Sql, router: string, removed: readonly LineChange[]): Promise<void> {
  if (removed.length === 0) return;
  await sql.execute('DELETE FROM config_lines WHERE router = $1 AND path = ANY($2)', [
    router,
    removed.map(({ key }) => key),
  ]);
}

async function markMissing(
  sql: Sql,
  router: string,
  missing: readonly LineChange[],
  origin: (resourceId: string) => StoredOrigin,
): Promise<void> {
  if (missing.length === 0) return;
  await sql.execute(
    `UPDATE config_lines SET content = NULL, changed = gone.changed
     FROM unnest($2::text[], $3::jsonb[]) AS gone (path, changed)
     WHERE config_lines.router = $1 AND config_lines.path = gone.path COLLATE "C"`,
    [
      router,
      missing.map(({ key }) => key),
      missing.map(({ before }) => JSON.stringify(origin(before?.resourceId ?? ''))),
    ],
  );
}

async function upsertLines(
  sql: Sql,
  router: string,
  lines: readonly ConfigLine[],
  { origin, keepsPut }: Pick<LineWriting, 'origin' | 'keepsPut'>,
): Promise<void> {
  if (lines.length === 0) return;
  const facets = lines.map(({ key, content }) => facetsOf(key, content));
  await sql.execute(
    `INSERT INTO config_lines AS line (router, path, resource_id, content, put, changed, rule_number, mapping_name, mac_address,
       address, external_ip, protocol, ports)
     SELECT $1, path, resource_id, content, origin, origin, rule_number, mapping_name, mac_address, address, external_ip, protocol,
       ports::int4multirange
     FROM unnest($2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
       $12::text[]) AS new (path, resource_id, content, origin, rule_number, mapping_name, mac_address, address, external_ip, protocol, ports)
     ON CONFLICT (router, path) DO UPDATE SET
       resource_id = excluded.resource_id, content = excluded.content, changed = excluded.changed,
       put = CASE WHEN $13 OR line.resource_id = excluded.resource_id THEN line.put ELSE excluded.put END,
       rule_number = excluded.rule_number, mapping_name = excluded.mapping_name, mac_address = excluded.mac_address,
       address = excluded.address, external_ip = excluded.external_ip, protocol = excluded.protocol, ports = excluded.ports`,
    [
      router,
      lines.map(({ key }) => key),
      lines.map(({ resourceId }) => resourceId),
      lines.map(({ content }) => JSON.stringify(content)),
      lines.map(({ resourceId }) => JSON.stringify(origin(resourceId))),
      facets.map(({ ruleNumber }) => ruleNumber ?? null),
      facets.map(({ mappingName }) => mappingName ?? null),
      facets.map(({ macAddress }) => macAddress ?? null),
      facets.map(({ address }) => address ?? null),
      facets.map(({ externalIp }) => externalIp ?? null),
      facets.map(({ protocol }) => protocol ?? null),
      facets
        .map(({ ports }) => ports && `{${ports.map(({ first, last }) => `[${first},${last}]`).join()}}`)
        .map((text) => text ?? null),
      keepsPut,
    ],
  );
}

/** What was seen changed of these resources is theirs as it stands. */
export async function acceptLines(
  sql: Sql,
  router: string,
  resourceIds: readonly string[],
  origin: (resourceId: string) => StoredOrigin,
): Promise<void> {
  await sql.execute(
    `UPDATE config_lines SET changed = accepted.origin
     FROM unnest($2::text[], $3::jsonb[]) AS accepted (resource_id, origin)
     WHERE config_lines.router = $1 AND config_lines.resource_id = accepted.resource_id AND changed ->> 'kind' = 'drift'`,
    [router, resourceIds, resourceIds.map((id) => JSON.stringify(origin(id)))],
  );
}

/** Forgets lines that are missing and not to come back: their resources do not own them any more. */
export async function forgetMissing(sql: Sql, router: string, resourceIds: readonly string[]): Promise<void> {
  if (resourceIds.length === 0) return;
  await sql.execute(
    `DELETE FROM config_lines AS line WHERE router = $1 AND resource_id = ANY($2) AND content IS NULL
       AND NOT EXISTS (SELECT FROM owned_paths AS owned WHERE owned.router = $1 AND owned.path COLLATE "C" = line.path
         AND owned.resource_id = line.resource_id AND owned.released_at IS NULL)`,
    [router, resourceIds],
  );
}
