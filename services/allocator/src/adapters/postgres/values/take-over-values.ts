import type { Sql } from '@berth/database';
import type { TakenOver, TakeOverResult } from '../../../app/ports.ts';
import { valueHeld } from '../../../domain/adoption/adoption-errors.ts';
import { takeRanges } from './foreign-store.ts';
import type { FreedRange } from './free-ranges.ts';
import { heldValues, type ValueAsked, wantedColumns } from './held-values.ts';

/** The wanted values where there are spaces for them: `$1` router, `$2` to `$8` the columns of `wantedColumns`. */
const wanted = `SELECT s.id AS space_id, int8range(w.first, w.last, '[]') AS held, w.vm_id, w.slot
  FROM unnest($2::int[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[], $8::text[])
    AS w (place, kind, external_ip, first, last, vm_id, slot)
  JOIN spaces s ON s.router = $1 AND s.kind = w.kind
    AND (s.external_ip = '' OR w.external_ip IS NULL OR w.external_ip = s.external_ip)`;

/**
 * Makes what others hold the VMs', those of one router after another. Nobody can have a value meanwhile: the router is locked, and free
 * spans do not name it.
 */
export async function takeOverValues(sql: Sql, asked: readonly TakenOver[]): Promise<readonly TakeOverResult[]> {
  const results: TakeOverResult[] = asked.map(() => ({ addressPool: null }));
  for (const [router, places] of Map.groupBy(asked.keys(), (place) => asked[place]?.router ?? '')) {
    const values = places.flatMap((place) => {
      const { vmId = '', values: some = [] } = asked[place] ?? {};
      return some.map((value): ValueAsked => ({ ...value, place, vmId }));
    });
    for (const { place, ...holder } of await heldValues(sql, router, values)) {
      results[place] = { addressPool: null, error: valueHeld(holder.value, holder.by) };
    }
    const free = values.filter(({ place }) => results[place]?.error === undefined);
    if (free.length === 0) continue;
    await exchange(sql, router, free);
    for (const { place, pool_id } of await addressPools(sql, router, free)) results[place] = { addressPool: pool_id };
  }
  return results;
}

async function exchange(sql: Sql, router: string, values: readonly ValueAsked[]): Promise<void> {
  const columns = wantedColumns(router, values);
  // What others hold in one run with what is taken over stays theirs.
  await sql.execute(
    `WITH wanted AS (${wanted}), gone AS (
       DELETE FROM allocations a WHERE a.kind = 'foreign' AND EXISTS (
         SELECT FROM wanted w WHERE w.space_id = a.space_id AND w.held && a.held) RETURNING a.space_id, a.held
     )
     INSERT INTO allocations (space_id, held, kind)
     SELECT g.space_id, unnest(int8multirange(g.held) - (
       SELECT range_agg(w.held) FROM wanted w WHERE w.space_id = g.space_id AND w.held && g.held)), 'foreign' FROM gone g`,
    columns,
  );
  const taken = await sql.query<FreedRange>(
    `WITH wanted AS (${wanted})
     INSERT INTO allocations (space_id, held, kind, vm_id, slot) SELECT space_id, held, 'vm', vm_id, slot FROM wanted
     RETURNING space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last`,
    columns,
  );
  await takeRanges(sql, taken);
  // They are others' in the inventory until that is read anew: so that what is given up meanwhile goes back to them.
  await sql.execute(
    `WITH wanted AS (${wanted})
     UPDATE foreign_holdings f SET conflict = true FROM (
       SELECT DISTINCT s.kind, w.held FROM wanted w JOIN spaces s ON s.id = w.space_id WHERE s.kind = 'rule' OR s.kind = 'address'
     ) own WHERE f.router = $1 AND f.kind = own.kind AND f.held = own.held AND NOT f.conflict`,
    columns,
  );
}

/** The pools that addresses are of, by the places of those who ask. */
const addressPools = (sql: Sql, router: string, values: readonly ValueAsked[]) =>
  sql.query<{ place: number; pool_id: string }>(
    `SELECT w.place, g.pool_id FROM unnest($2::int[], $3::bigint[]) AS w (place, address)
     JOIN spaces s ON s.router = $1 AND s.kind = 'address'
     JOIN segment_ranges r ON r.space_id = s.id AND r.span && int8range(w.address, w.address, '[]')
     JOIN segments g ON g.id = r.segment_id WHERE g.pool_id IS NOT NULL`,
    [
      router,
      values.filter(({ kind }) => kind === 'address').map(({ place }) => place),
      values.filter(({ kind }) => kind === 'address').map(({ held }) => held.first),
    ],
  );
