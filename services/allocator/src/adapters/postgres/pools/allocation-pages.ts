import type { Database, Sql } from '@berth/database';
import type { ValueReader } from '../../../app/pools/explain-value.ts';
import type { AllocationPlace, AllocationReader, HeldRun, HolderKind } from '../../../app/pools/list-allocations.ts';
import { routersByName } from '../router-rows.ts';
import { poolsOf } from './pool-rows.ts';

/** A run of values as it is read; `at` is where its whole allocation begins. */
interface RunRow {
  readonly at: number;
  readonly first: number;
  readonly last: number;
  readonly space: HeldRun['space'];
  readonly external_ip: string;
  readonly kind: HolderKind;
  readonly vm_id: string | null;
  readonly vm_name: string | null;
  readonly slot: string;
  readonly owner_group: string | null;
  readonly reservation_id: string | null;
  readonly note: string | null;
  readonly until: string | null;
}

/** What is told of an allocation `a` in a space `s`, beside its values. */
const runColumns = `s.kind AS space, s.external_ip, a.kind, a.slot, a.reservation_id,
  CASE WHEN a.kind = 'vm' THEN a.vm_id END AS vm_id, coalesce(v.name, a.former_name) AS vm_name,
  coalesce(v.owner_group, a.former_group) AS owner_group, coalesce(a.until, r.expires_at, l.expires_at) AS until,
  CASE a.kind WHEN 'reserved' THEN r.note WHEN 'planned' THEN 'plan ' || a.plan_id WHEN 'foreign' THEN (
    SELECT f.path FROM foreign_holdings f WHERE f.router = s.router AND f.kind = s.kind AND f.held && a.held
      AND (s.external_ip = '' OR f.external_ip IN ('', s.external_ip)) ORDER BY f.held, f.path LIMIT 1) END AS note`;

const holdersOf = `LEFT JOIN vms v ON a.kind = 'vm' AND v.id = a.vm_id LEFT JOIN reservations r ON r.id = a.reservation_id
  LEFT JOIN plans l ON l.id = a.plan_id`;

const toRun = (row: RunRow): HeldRun => ({
  first: row.first,
  last: row.last,
  space: row.space,
  externalIp: row.external_ip,
  holder: row.kind,
  vmId: row.vm_id ?? '',
  vmName: row.vm_name ?? '',
  forward: row.kind === 'vm' ? row.slot : '',
  ownerGroup: row.owner_group ?? '',
  reservationId: row.reservation_id ?? '',
  note: row.note ?? '',
  until: row.until === null ? null : new Date(row.until),
});

/** From where to where a pool has values in a space, and where reading begins. */
interface Hull {
  readonly segment_id: number;
  readonly space_id: number;
  readonly first: number;
  readonly last: number;
  readonly begin: number;
}

/** Of each space of a pool; `begin` is before `first` when an allocation reaches into the pool from there. */
const hullsOf = (sql: Sql, poolId: string, after: AllocationPlace | undefined): Promise<Hull[]> =>
  sql.query<Hull>(
    `SELECT h.segment_id, h.space_id, h.first::float8 AS first, h.last::float8 AS last, (CASE
         WHEN $2::bigint IS NULL THEN coalesce(
           (SELECT lower(a.held) FROM allocations a WHERE a.space_id = h.space_id AND a.held @> h.first), h.first)
         WHEN s.kind > $3 THEN $2 ELSE $2 + 1 END)::float8 AS begin
     FROM (
       SELECT g.id AS segment_id, g.space_id, min(lower(r.span)) AS first, max(upper(r.span)) - 1 AS last
       FROM segments g JOIN segment_ranges r ON r.segment_id = g.id WHERE g.pool_id = $1 GROUP BY g.id
     ) h JOIN spaces s ON s.id = h.space_id`,
    [poolId, after?.first ?? null, after?.space ?? null],
  );

const partValues = 5;

/**
 * A page's worth of a hull, read in the order of the index: the limits are parameters of their own, so that the planner knows how much lies
 * between them, and whether a range of the pool is met is asked row by row, since it would take that for rare and read all of the pool.
 */
const partOf = (index: number): string => {
  const [segment, space, first, last, begin] = Array.from(
    { length: partValues },
    (_, place) => `$${3 + index * partValues + place}`,
  );
  return `(SELECT a.*, ${first}::bigint AS hull_first, ${last}::bigint AS hull_last FROM allocations a
    WHERE a.space_id = ${space}::int AND lower(a.held) BETWEEN ${begin}::bigint AND ${last}::bigint
      AND (cardinality($2::text[]) = 0 OR a.kind = ANY($2))
      AND coalesce((SELECT true FROM segment_ranges r WHERE r.segment_id = ${segment}::int AND r.space_id = ${space}::int
        AND r.span && a.held LIMIT 1), false)
    ORDER BY a.space_id, lower(a.held) LIMIT $1)`;
};

/** Reads who holds what. A page costs what it shows, wherever in the pool it begins. */
export const postgresAllocations = (database: Sql): AllocationReader => ({
  async page(pool, { after, size, holders }) {
    const hulls = await hullsOf(database, pool.id, after);
    if (hulls.length === 0) return [];
    const rows = await database.query<RunRow>(
      `SELECT lower(a.held)::float8 AS at, greatest(lower(a.held), a.hull_first)::float8 AS first,
         least(upper(a.held) - 1, a.hull_last)::float8 AS last, ${runColumns}
       FROM (
         SELECT p.* FROM (${hulls.map((_, index) => partOf(index)).join(' UNION ALL ')}) p JOIN spaces q ON q.id = p.space_id
         ORDER BY lower(p.held), q.kind LIMIT $1
       ) a JOIN spaces s ON s.id = a.space_id ${holdersOf} ORDER BY lower(a.held), s.kind`,
      [
        ...[size, holders],
        ...hulls.flatMap(({ segment_id, space_id, first, last, begin }) => [segment_id, space_id, first, last, begin]),
      ],
    );
    return rows.map((row) => ({ ...toRun(row), place: { first: row.at, space: row.space } }));
  },
});

type FoundRow = { readonly asked: HeldRun['space']; readonly in_pool: string | null; readonly in_rest: boolean } & (
  | RunRow
  | { readonly at: null }
);

/** Finds a value by the indexes of the constraints that keep holders and pools apart. */
export const postgresValueReader = (database: Database): ValueReader => ({
  async router(name) {
    const router = (await routersByName(database, [name])).get(name);
    return router && { router, pools: await poolsOf(database, [name]) };
  },

  async find({ router, spaces, externalIp, value }) {
    const rows = await database.query<FoundRow>(
      `SELECT q.asked, g.pool_id AS in_pool, g.id IS NOT NULL AND g.pool_id IS NULL AS in_rest, lower(a.held)::float8 AS at,
         lower(a.held)::float8 AS first, upper(a.held)::float8 - 1 AS last, ${runColumns}
       FROM unnest($2::text[]) WITH ORDINALITY AS q (asked, place)
         LEFT JOIN spaces s ON s.router = $1 AND s.kind = q.asked AND s.external_ip = $3
         LEFT JOIN segment_ranges p ON p.space_id = s.id AND p.span @> $4::bigint
         LEFT JOIN segments g ON g.id = p.segment_id
         LEFT JOIN allocations a ON a.space_id = s.id AND a.held @> $4::bigint ${holdersOf}
       ORDER BY q.place`,
      [router, spaces, externalIp, value],
    );
    return rows.map((row) => ({
      space: row.asked,
      poolId: row.in_pool ?? (row.in_rest ? null : undefined),
      holder: row.at === null ? undefined : toRun(row),
    }));
  },
});
