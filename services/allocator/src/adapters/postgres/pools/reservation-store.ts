import type { Sql } from '@berth/database';
import type { HeldValue, ReservationStore, ReservationWish, Reserved } from '../../../app/pools/pool-ports.ts';
import type { NumberRange } from '../../../domain/number-range.ts';
import type { Pool } from '../../../domain/pools/pool.ts';
import type { Reservation } from '../../../domain/pools/pool-change.ts';
import { deriveForeign } from '../values/foreign-store.ts';
import { type FreedRange, freeRanges } from '../values/free-ranges.ts';
import { loadSpans, storeSpans } from '../values/span-store.ts';
import { SpansOutOfStep } from '../values/spans-out-of-step.ts';
import { poolsById } from './pool-rows.ts';

/** The part of a pool in a space. */
interface Segment {
  readonly id: number;
  readonly space_id: number;
  readonly kind: string;
}

/** Reservations in Postgres, for a transaction that has the lock of their routers. */
export const postgresReservations = (sql: Sql): ReservationStore => ({
  async take(reservation, wish) {
    const segments = await segmentsFor(sql, reservation.pool, wish.protocols);
    const range = wish.range ?? (await lowestRun(sql, segments, wish.count));
    if (range === undefined) return { refused: 'none left' };
    const refusal = wish.range && (await refusalOf(sql, segments, wish.range));
    if (refusal) return refusal;
    await insertReservation(sql, reservation);
    await takeRange(sql, segments, range, reservation.id);
    return { got: range };
  },

  async find(id) {
    const rows = await sql.query<ReservationRow>(`${selectReservations} WHERE r.id = $1 GROUP BY r.id`, [id]);
    return (await withPools(sql, rows))[0];
  },

  async release(reservation) {
    await endThese(sql, [reservation]);
  },

  async endDue(routers) {
    const rows = await sql.query<ReservationRow>(
      `${selectReservations} JOIN pools p ON p.id = r.pool_id
       WHERE r.expires_at <= clock_timestamp() AND p.router = ANY($1) GROUP BY r.id`,
      [routers],
    );
    const ended = await withPools(sql, rows);
    await endThese(sql, ended);
    return ended;
  },
});

/** The routers on which reservations have ended. */
export async function routersWithEnded(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ router: string }>(
    `SELECT DISTINCT p.router FROM reservations r JOIN pools p ON p.id = r.pool_id WHERE r.expires_at <= clock_timestamp()`,
  );
  return rows.map(({ router }) => router);
}

const segmentsFor = (sql: Sql, pool: Pool, protocols: ReservationWish['protocols']): Promise<Segment[]> =>
  sql.query<Segment>(
    `SELECT g.id, g.space_id, s.kind FROM segments g JOIN spaces s ON s.id = g.space_id
     WHERE g.pool_id = $1 AND (cardinality($2::text[]) = 0 OR s.kind = ANY($2)) ORDER BY g.id`,
    [pool.id, protocols],
  );

/** The lowest run of free neighbours in all of these segments at once. */
async function lowestRun(sql: Sql, segments: readonly Segment[], count: number): Promise<NumberRange | undefined> {
  const [run] = await sql.query<{ first: number }>(
    `SELECT lower(run)::float8 AS first FROM (
       SELECT unnest(range_intersect_agg(free)) AS run FROM (
         SELECT coalesce((SELECT range_agg(int8range(f.first, f.last, '[]')) FROM free_spans f WHERE f.segment_id = g.id), '{}') AS free
         FROM unnest($1::int[]) AS g (id)
       ) segments
     ) runs WHERE upper(run) - lower(run) >= $2 ORDER BY 1 LIMIT 1`,
    [segments.map(({ id }) => id), count],
  );
  return run && { first: run.first, last: run.first + count - 1 };
}

/** Why exactly these values cannot be had; undefined when they can. */
async function refusalOf(
  sql: Sql,
  segments: readonly Segment[],
  { first, last }: NumberRange,
): Promise<Reserved | undefined> {
  const [pool] = await sql.query<{ whole: boolean }>(
    `SELECT coalesce(bool_and(int8range($2, $3, '[]') <@ coalesce(
         (SELECT range_agg(r.span) FROM segment_ranges r WHERE r.segment_id = g.id), '{}'::int8multirange)), false) AS whole
     FROM unnest($1::int[]) AS g (id)`,
    [segments.map(({ id }) => id), first, last],
  );
  if (!pool?.whole) return { refused: 'not of the pool' };
  const [by] = await sql.query<HeldValue>(
    `SELECT greatest(lower(a.held), $2)::float8 AS first, least(upper(a.held) - 1, $3)::float8 AS last,
       CASE a.kind WHEN 'vm' THEN 'a VM has it' WHEN 'reserved' THEN 'it is reserved' WHEN 'planned' THEN 'a plan holds it'
         WHEN 'quarantine' THEN 'it rests after its release' ELSE 'others hold it on the router' END AS holder
     FROM allocations a WHERE a.space_id = ANY($1) AND a.held && int8range($2, $3, '[]') ORDER BY lower(a.held) LIMIT 1`,
    [segments.map(({ space_id }) => space_id), first, last],
  );
  return by && { refused: 'taken', by };
}

const insertReservation = (sql: Sql, one: Omit<Reservation, 'first' | 'last'>): Promise<number> =>
  sql.execute(
    `INSERT INTO reservations (id, pool_id, note, expires_at, principal_id, principal_name, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [one.id, one.pool.id, one.note, one.expiresAt, one.principalId, one.principalName, one.createdAt],
  );

async function takeRange(
  sql: Sql,
  segments: readonly Segment[],
  { first, last }: NumberRange,
  reservationId: string,
): Promise<void> {
  const spans = await loadSpans(
    sql,
    segments.map(({ id }) => ({ segmentId: id, within: { first, last: first }, most: 1 })),
  );
  const outOfStep = segments.filter(({ id }) => !spans.get(id)?.take({ first, last }));
  const spaceIds = segments.map(({ space_id }) => space_id);
  if (outOfStep.length > 0) throw new SpansOutOfStep(spaceIds);
  await storeSpans(sql, spans);
  const stored = await sql.execute(
    `INSERT INTO allocations (space_id, held, kind, reservation_id)
     SELECT space_id, int8range($2, $3, '[]'), 'reserved', $4 FROM unnest($1::int[]) AS s (space_id) ON CONFLICT DO NOTHING`,
    [spaceIds, first, last, reservationId],
  );
  if (stored < segments.length) throw new SpansOutOfStep(spaceIds);
}

async function endThese(sql: Sql, ended: readonly Reservation[]): Promise<void> {
  if (ended.length === 0) return;
  const ids = ended.map(({ id }) => id);
  const routers = [...new Set(ended.map(({ pool }) => pool.router))];
  const freed = await sql.query<FreedRange>(
    `DELETE FROM allocations WHERE reservation_id = ANY($1)
     RETURNING space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last`,
    [ids],
  );
  await sql.execute('DELETE FROM reservations WHERE id = ANY($1)', [ids]);
  await freeRanges(sql, freed);
  // What others hold on the router too is theirs from now on.
  const doubled = await sql.query<{ router: string }>(
    'SELECT DISTINCT router FROM foreign_holdings WHERE conflict AND router = ANY($1)',
    [routers],
  );
  for (const { router } of doubled) await deriveForeign(sql, router);
}

interface ReservationRow {
  readonly id: string;
  readonly pool_id: string;
  readonly first: number;
  readonly last: number;
  readonly kinds: readonly string[];
  readonly note: string;
  readonly expires_at: string | null;
  readonly principal_id: string;
  readonly principal_name: string;
  readonly created_at: string;
}

const selectReservations = `SELECT r.*, min(lower(a.held))::float8 AS first, (max(upper(a.held)) - 1)::float8 AS last,
    array_agg(DISTINCT s.kind) AS kinds
  FROM reservations r JOIN allocations a ON a.reservation_id = r.id JOIN spaces s ON s.id = a.space_id`;

async function withPools(sql: Sql, rows: readonly ReservationRow[]): Promise<Reservation[]> {
  const ids = [...new Set(rows.map(({ pool_id }) => pool_id))];
  const pools = new Map((await poolsById(sql, ids)).map((pool) => [pool.id, pool]));
  return rows.flatMap((row) => {
    const pool = pools.get(row.pool_id);
    if (pool === undefined) return [];
    const protocols = (['tcp', 'udp'] as const).filter((protocol) => row.kinds.includes(protocol));
    return [
      {
        ...{ id: row.id, pool, first: row.first, last: row.last, protocols, note: row.note },
        expiresAt: row.expires_at === null ? null : new Date(row.expires_at),
        ...{ principalId: row.principal_id, principalName: row.principal_name },
        createdAt: new Date(row.created_at),
      },
    ];
  });
}
