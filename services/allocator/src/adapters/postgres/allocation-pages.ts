import type { Database } from '@berth/database';
import type { ValueReader } from '../../app/explain-value.ts';
import type { AllocationPlace, AllocationReader, HeldRun, HolderKind } from '../../app/list-allocations.ts';
import { poolsOf } from './pool-rows.ts';
import { routersByName } from './router-rows.ts';

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
  coalesce(v.owner_group, a.former_group) AS owner_group, coalesce(a.until, r.expires_at) AS until,
  CASE a.kind WHEN 'reserved' THEN r.note WHEN 'foreign' THEN (
    SELECT f.path FROM foreign_holdings f WHERE f.router = s.router AND f.kind = s.kind AND f.held && a.held
      AND (s.external_ip = '' OR f.external_ip IN ('', s.external_ip)) ORDER BY f.held, f.path LIMIT 1) END AS note`;

const holdersOf = `LEFT JOIN vms v ON a.kind = 'vm' AND v.id = a.vm_id LEFT JOIN reservations r ON r.id = a.reservation_id`;

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

/** Reads who holds what. A page costs what it shows: each space is read in the order of its index from the place on. */
export const postgresAllocations = (database: Database): AllocationReader => ({
  async page(pool, { after, size, holders }) {
    const rows = await database.query<RunRow>(
      `WITH hulls AS (
         SELECT g.id, g.space_id, min(lower(r.span)) AS first, max(upper(r.span)) - 1 AS last
         FROM segments g JOIN segment_ranges r ON r.segment_id = g.id WHERE g.pool_id = $1 GROUP BY g.id
       ), page AS (
         SELECT a.*, h.first AS hull_first, h.last AS hull_last, lower(a.held) AS at
         FROM hulls h JOIN spaces s ON s.id = h.space_id CROSS JOIN LATERAL (
           SELECT * FROM allocations x WHERE x.space_id = h.space_id
             AND lower(x.held) >= coalesce(CASE WHEN $2::bigint IS NULL THEN
                 (SELECT lower(o.held) FROM allocations o WHERE o.space_id = h.space_id AND o.held @> h.first)
               WHEN s.kind > $3 THEN $2 ELSE $2 + 1 END, h.first)
             AND lower(x.held) <= h.last AND (cardinality($5::text[]) = 0 OR x.kind = ANY($5))
             AND EXISTS (SELECT FROM segment_ranges r WHERE r.space_id = h.space_id AND r.segment_id = h.id AND r.span && x.held)
           ORDER BY x.space_id, lower(x.held) LIMIT $4
         ) a ORDER BY lower(a.held), s.kind LIMIT $4
       )
       SELECT a.at::float8 AS at, greatest(a.at, a.hull_first)::float8 AS first,
         least(upper(a.held) - 1, a.hull_last)::float8 AS last, ${runColumns}
       FROM page a JOIN spaces s ON s.id = a.space_id ${holdersOf} ORDER BY a.at, s.kind`,
      [pool.id, after?.first ?? null, after?.space ?? null, size, holders],
    );
    return rows.map((row) => ({ ...toRun(row), place: { first: row.at, space: row.space } satisfies AllocationPlace }));
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
