import type { Sql } from '@berth/database';
import type { GivenUp } from '../../../app/ports.ts';
import type { FreedRange } from './free-ranges.ts';

/** A rule that was adopted may name no external address: then its ports are held on every one. */
const onEveryAddress = 'EXISTS (SELECT FROM vms v WHERE v.id = u.vm_id AND v.adopted IS NOT NULL)';

/**
 * What is given up, one row per VM and space with all its ranges together; a null space stands for everything that the VM holds. `$1` to
 * `$10` are the columns of `rowsOf`.
 */
const given = `WITH given AS (
    SELECT u.vm_id, s.id AS space_id, range_agg(int8range(u.first, u.last, '[]')) AS held, min(u.slot) AS slot,
      min(u.former_group) AS former_group, min(u.former_name) AS former_name
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
      AS u (vm_id, router, kind, external_ip, slot, first, last, former_group, former_name)
    LEFT JOIN spaces s ON s.router = u.router AND s.kind = u.kind
      AND (s.external_ip = CASE WHEN u.kind IN ('tcp', 'udp') THEN u.external_ip ELSE '' END OR ${onEveryAddress})
    WHERE u.kind IS NULL OR s.id IS NOT NULL
    GROUP BY u.vm_id, s.id, CASE WHEN $10 THEN u.slot END
  )`;

const isGiven = `a.vm_id = g.vm_id AND a.kind = 'vm' AND (g.space_id IS NULL OR (a.space_id = g.space_id AND a.held <@ g.held))`;

/** Runs of which only a part is given up become two or three: those kept and those that go. */
const cutRuns = `${given}, cut AS (
    SELECT a.id, range_agg(r) * int8multirange(a.held) AS gone
    FROM allocations a JOIN given g ON g.vm_id = a.vm_id AND g.space_id = a.space_id, unnest(g.held) r
    WHERE a.kind = 'vm' AND a.held && g.held AND NOT a.held <@ g.held GROUP BY a.id
  ), whole AS (
    DELETE FROM allocations a USING cut WHERE a.id = cut.id RETURNING a.*, cut.gone
  )
  INSERT INTO allocations (space_id, held, kind, vm_id, slot, rests_until)
  SELECT space_id, part, kind, vm_id, slot, rests_until
  FROM whole CROSS JOIN LATERAL (
    SELECT unnest(gone) AS part UNION ALL SELECT unnest(int8multirange(held) - gone)
  ) parts`;

function rowsOf(givenUp: readonly GivenUp[], bySlot: boolean): unknown[] {
  const rows = givenUp.flatMap(({ router, externalIp, holder, holdings }) =>
    (holdings ?? [undefined]).map((holding) => ({ router, externalIp, holder, holding })),
  );
  return [
    rows.map(({ holder }) => holder.vmId),
    rows.map(({ router }) => router),
    rows.map(({ holding }) => holding?.kind ?? null),
    rows.map(({ externalIp }) => externalIp),
    rows.map(({ holding }) => holding?.slot ?? ''),
    rows.map(({ holding }) => holding?.held.first ?? null),
    rows.map(({ holding }) => holding?.held.last ?? null),
    rows.map(({ holder }) => holder.ownerGroup),
    rows.map(({ holder }) => holder.vmName.toLowerCase()),
    bySlot,
  ];
}

const isNothing = (givenUp: readonly GivenUp[]): boolean => givenUp.every(({ holdings }) => holdings?.length === 0);

async function cutWhatIsShared(sql: Sql, givenUp: readonly GivenUp[]): Promise<void> {
  const exact = givenUp.filter(({ holdings }) => holdings !== undefined);
  if (!isNothing(exact)) await sql.execute(cutRuns, rowsOf(exact, false));
}

/** Puts values into quarantine, from now on; within it the same group and name get them back. */
export async function quarantineValues(sql: Sql, givenUp: readonly GivenUp[], quarantineMs: number): Promise<void> {
  if (isNothing(givenUp)) return;
  await cutWhatIsShared(sql, givenUp);
  await sql.execute(
    `${given} UPDATE allocations a SET kind = 'quarantine', until = clock_timestamp() + make_interval(secs => $11), rests_until = NULL,
       former_group = g.former_group, former_name = g.former_name
     FROM given g WHERE ${isGiven}`,
    [...rowsOf(givenUp, false), quarantineMs / 1000],
  );
}

/** Gives up values that never stood. Gives back what is free now: what came back from quarantine rests on until its end. */
export async function dropValues(sql: Sql, givenUp: readonly GivenUp[]): Promise<FreedRange[]> {
  if (isNothing(givenUp)) return [];
  await cutWhatIsShared(sql, givenUp);
  const rows = rowsOf(givenUp, false);
  await sql.execute(
    `${given} UPDATE allocations a SET kind = 'quarantine', until = a.rests_until, rests_until = NULL,
       former_group = g.former_group, former_name = g.former_name
     FROM given g WHERE ${isGiven} AND a.rests_until > clock_timestamp()`,
    rows,
  );
  return sql.query<FreedRange>(
    `${given} DELETE FROM allocations a USING given g WHERE ${isGiven}
     RETURNING a.space_id, lower(a.held)::float8 AS first, upper(a.held)::float8 - 1 AS last`,
    rows,
  );
}

/** Notes under which forward's name values are held by now. */
export async function renameValues(sql: Sql, held: readonly GivenUp[]): Promise<void> {
  if (isNothing(held)) return;
  await sql.execute(
    `${given} UPDATE allocations a SET slot = g.slot FROM given g WHERE ${isGiven}`,
    rowsOf(held, true),
  );
}
