import type { Sql } from '@berth/database';
import type { ForeignConflict } from '../../../app/ports.ts';
import { type FreedRange, freeRanges, partsOf } from './free-ranges.ts';
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
export async function deriveForeign(sql: Sql, router: string): Promise<void> {
  const gone = await sql.query<FreedRange>(
    `${wanted} DELETE FROM allocations a WHERE a.kind = 'foreign' AND a.space_id IN (SELECT id FROM spaces WHERE router = $1)
       AND NOT EXISTS (SELECT FROM wanted w WHERE w.space_id = a.space_id AND w.held = a.held) RETURNING ${asRange}`,
    [router],
  );
  await freeRanges(sql, gone);
  const come = await sql.query<FreedRange>(
    `${wanted} INSERT INTO allocations (space_id, held, kind) SELECT w.space_id, w.held, 'foreign' FROM wanted w
     WHERE NOT EXISTS (SELECT FROM allocations a WHERE a.space_id = w.space_id AND a.held = w.held AND a.kind = 'foreign')
     RETURNING ${asRange}`,
    [router],
  );
  await takeRanges(sql, come);
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

/** Takes out of the free spans what of these ranges is free. */
export async function takeRanges(sql: Sql, taken: readonly FreedRange[]): Promise<void> {
  const parts = await partsOf(sql, taken);
  if (parts.length === 0) return;
  const everySpan = 2 ** 31 - 1;
  const segments = await loadSpans(
    sql,
    parts.map(({ segmentId, part }) => ({ segmentId, within: part, most: everySpan })),
  );
  for (const { segmentId, part } of parts) segments.get(segmentId)?.takeAnyOf(part);
  await storeSpans(sql, segments);
}

/** The subnets in which a MAC address has one holder: those of the router and those of its pools. */
const scopesOfRouter = `SELECT DISTINCT r.name || ' ' || n.subnet AS scope, n.subnet FROM routers r CROSS JOIN LATERAL (
    SELECT r.site ->> 'dhcpSubnet' AS subnet
    UNION ALL SELECT s ->> 'subnet' FROM jsonb_array_elements(r.subnets) s
    UNION ALL SELECT p.site ->> 'dhcpSubnet' FROM pools p WHERE p.router = r.name
  ) n WHERE r.name = $1 AND n.subnet IS NOT NULL`;

/** A mapping's path tells its subnet; one that tells none counts in all. */
const claimsOfRouter = `SELECT f.kind, m.scope, f.value FROM foreign_holdings f JOIN (${scopesOfRouter}) m
    ON coalesce(substring(f.path FROM '(?:^| )subnet (\\S+)'), m.subnet) = m.subnet
  WHERE f.router = $1 AND f.kind = 'mac'
  UNION SELECT f.kind, f.router, f.value FROM foreign_holdings f WHERE f.router = $1 AND f.kind = 'mapping'`;

async function deriveClaims(sql: Sql, router: string): Promise<void> {
  await sql.execute(
    `DELETE FROM claims c WHERE c.vm_id IS NULL
       AND ((c.kind = 'mapping' AND c.scope = $1) OR (c.kind = 'mac' AND starts_with(c.scope, $1 || ' ')))
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
