import type { Sql } from '@berth/database';
import type { ForeignConflict } from '../../app/ports.ts';
import { type FreedRange, freeRanges } from './free-ranges.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';
import { loadSpans, storeSpans } from './span-store.ts';

/** What others hold of each space, without what is ours or in quarantine: that stays so. */
const wanted = `WITH theirs AS (
    SELECT s.id AS space_id, range_agg(f.held) AS held
    FROM spaces s JOIN foreign_holdings f ON f.router = s.router AND f.kind = s.kind
      AND (s.external_ip = '' OR f.external_ip IN ('', s.external_ip))
    WHERE s.router = $1 GROUP BY s.id
  ), wanted AS (
    SELECT t.space_id, unnest(t.held - coalesce((
      SELECT range_agg(a.held) FROM allocations a WHERE a.space_id = t.space_id AND a.held && t.held AND a.kind <> 'foreign'
    ), '{}'::int8multirange)) AS held FROM theirs t
  )`;

const asRange = 'space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last';

/** Makes the allocations and claims of kind `foreign` what the stored inventory says. Repeatable; needs the router's lock. */
export async function deriveForeign(sql: Sql, catalogue: SpaceCatalogue, router: string): Promise<void> {
  const gone = await sql.query<FreedRange>(
    `${wanted} DELETE FROM allocations a WHERE a.kind = 'foreign' AND a.space_id IN (SELECT id FROM spaces WHERE router = $1)
       AND NOT EXISTS (SELECT FROM wanted w WHERE w.space_id = a.space_id AND w.held = a.held) RETURNING ${asRange}`,
    [router],
  );
  await freeRanges(sql, catalogue, gone);
  const come = await sql.query<FreedRange>(
    `${wanted} INSERT INTO allocations (space_id, held, kind) SELECT w.space_id, w.held, 'foreign' FROM wanted w
     WHERE NOT EXISTS (SELECT FROM allocations a WHERE a.space_id = w.space_id AND a.held = w.held AND a.kind = 'foreign')
     RETURNING ${asRange}`,
    [router],
  );
  await takeRanges(sql, catalogue, come);
  await deriveClaims(sql, router);
  await markConflicts(sql, router);
}

/** What of the inventory is also ours. */
export const conflictsOf = (sql: Sql, router: string): Promise<ForeignConflict[]> =>
  sql.query(
    `SELECT kind, CASE WHEN held IS NULL THEN value ELSE held::text END AS value, path
     FROM foreign_holdings WHERE router = $1 AND conflict ORDER BY kind, value`,
    [router],
  );

async function takeRanges(sql: Sql, catalogue: SpaceCatalogue, taken: readonly FreedRange[]): Promise<void> {
  const parts = taken.flatMap((range) => catalogue.partsOf(range.space_id, range));
  if (parts.length === 0) return;
  const everySpan = 2 ** 31 - 1;
  const pools = await loadSpans(
    sql,
    parts.map(({ poolId, part }) => ({ poolId, within: part, most: everySpan })),
  );
  for (const { poolId, part } of parts) pools.get(poolId)?.takeAnyOf(part);
  await storeSpans(sql, pools);
}

const claimsOfRouter = `SELECT f.kind,
    CASE f.kind WHEN 'mac' THEN r.name || ' ' || (r.site ->> 'dhcpSubnet') ELSE r.name END AS scope, f.value
  FROM foreign_holdings f JOIN routers r ON r.name = f.router
  WHERE r.name = $1 AND f.kind IN ('mac', 'mapping') AND r.site IS NOT NULL`;

async function deriveClaims(sql: Sql, router: string): Promise<void> {
  await sql.execute(
    `DELETE FROM claims c USING routers r WHERE r.name = $1 AND c.vm_id IS NULL
       AND ((c.kind = 'mapping' AND c.scope = r.name) OR (c.kind = 'mac' AND c.scope = r.name || ' ' || (r.site ->> 'dhcpSubnet')))
       AND (c.kind, c.scope, c.value) NOT IN (${claimsOfRouter})`,
    [router],
  );
  await sql.execute(
    `INSERT INTO claims (kind, scope, value) ${claimsOfRouter} ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING`,
    [router],
  );
}

async function markConflicts(sql: Sql, router: string): Promise<void> {
  await sql.execute(
    `UPDATE foreign_holdings f SET conflict = now.conflict FROM (
       SELECT h.ctid AS row, CASE WHEN h.held IS NULL
         THEN EXISTS (SELECT FROM claims c WHERE c.kind = h.kind AND c.value = h.value AND c.vm_id IS NOT NULL
           AND (c.scope = h.router OR starts_with(c.scope, h.router || ' ')))
         ELSE EXISTS (SELECT FROM spaces s JOIN allocations a ON a.space_id = s.id
           WHERE s.router = h.router AND s.kind = h.kind AND (s.external_ip = '' OR h.external_ip IN ('', s.external_ip))
             AND a.held && h.held AND a.kind <> 'foreign') END AS conflict
       FROM foreign_holdings h WHERE h.router = $1
     ) now WHERE f.ctid = now.row AND f.router = $1 AND f.conflict <> now.conflict`,
    [router],
  );
}
