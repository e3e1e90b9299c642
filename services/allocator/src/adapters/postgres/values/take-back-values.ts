import type { Sql } from '@berth/database';
import type { TakenBack } from '../../../app/ports.ts';
import { formatIpv4 } from '../../../domain/ipv4.ts';
import { type NumberRange, overlapOf, without } from '../../../domain/number-range.ts';
import type { BlockedBy } from '../../../domain/restore/restore.ts';
import type { SpaceKind } from '../../../domain/values/choose-values.ts';
import { takeRanges } from './foreign-store.ts';

/** A wanted value in one of the spaces that it is held in. */
interface Part {
  readonly place: number;
  readonly spaceId: number;
  readonly kind: SpaceKind;
  readonly wanted: NumberRange;
  readonly slot: string;
  readonly vmId: string;
  /** What of it is somebody's. */
  readonly held: readonly Held[];
  /** Others have some of it on the router. */
  readonly foreign: boolean;
}

/** A run of which a part is wanted. */
interface Held extends NumberRange {
  readonly id: string;
  readonly kind: 'vm' | 'quarantine' | 'reserved' | 'planned' | 'foreign';
  readonly vm_id: string | null;
  readonly vm_name: string | null;
  readonly former_group: string | null;
  readonly former_name: string | null;
}

/** A run that rests, of which the VM gets `part`. */
interface Woken {
  readonly id: string;
  readonly run: NumberRange;
  readonly part: NumberRange;
  readonly vmId: string;
  readonly slot: string;
}

/** What is to be done for those that get all they ask for. */
interface Taking {
  readonly woken: Woken[];
  readonly fresh: {
    readonly spaceId: number;
    readonly range: NumberRange;
    readonly vmId: string;
    readonly slot: string;
  }[];
}

/** Takes exactly these values, each VM's all or none, with a fixed number of statements for each router. */
export async function takeBackValues(
  sql: Sql,
  asked: readonly TakenBack[],
): Promise<readonly (readonly BlockedBy[])[]> {
  const results: (readonly BlockedBy[])[] = asked.map(() => []);
  for (const [router, places] of Map.groupBy(asked.keys(), (place) => asked[place]?.router ?? '')) {
    const parts = Map.groupBy(await readParts(sql, router, asked, places), ({ place }) => place);
    const taken: Part[] = [];
    const taking: Taking = { woken: [], fresh: [] };
    for (const place of places) {
      const own = parts.get(place) ?? [];
      const one = asked[place];
      const blocked = one === undefined ? [] : own.flatMap((part) => obstaclesOf(part, one, taken));
      results[place] = blocked;
      if (one === undefined || blocked.length > 0) continue;
      taken.push(...own);
      for (const part of own) addTo(taking, part);
    }
    await take(sql, taking);
  }
  return results;
}

async function readParts(
  sql: Sql,
  router: string,
  asked: readonly TakenBack[],
  places: readonly number[],
): Promise<readonly Part[]> {
  const values = places.flatMap((place) => {
    const one = asked[place];
    return (one?.values ?? []).map((value) => ({ ...value, place, vmId: one?.holder.vmId ?? '' }));
  });
  const rows = await sql.query<{ index: number; space_id: number; foreign: boolean; held: readonly Held[] }>(
    `SELECT w.index::int - 1 AS index, s.id AS space_id,
       EXISTS (SELECT FROM foreign_holdings f WHERE f.router = s.router AND f.kind = s.kind
         AND (s.external_ip = '' OR f.external_ip IN ('', s.external_ip)) AND f.held && int8range(w.first, w.last, '[]')) AS foreign,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id::text, 'kind', a.kind, 'vm_id', a.vm_id, 'vm_name', v.name,
           'former_group', a.former_group, 'former_name', a.former_name, 'first', lower(a.held), 'last', upper(a.held) - 1) ORDER BY a.held), '[]')
         FROM allocations a LEFT JOIN vms v ON v.id = a.vm_id
         WHERE a.space_id = s.id AND a.held && int8range(w.first, w.last, '[]')) AS held
     FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS w (kind, external_ip, first, last, index)
     JOIN spaces s ON s.router = $1 AND s.kind = w.kind
       AND (s.external_ip = '' OR w.external_ip IS NULL OR w.external_ip = s.external_ip)
     ORDER BY w.index, s.id`,
    [
      router,
      values.map(({ kind }) => kind),
      values.map(({ externalIp }) => externalIp),
      values.map(({ held }) => held.first),
      values.map(({ held }) => held.last),
    ],
  );
  return rows.flatMap(({ index, space_id: spaceId, foreign, held }) => {
    const value = values[index];
    if (value === undefined) return [];
    const { place, kind, held: wanted, slot, vmId } = value;
    return [{ place, spaceId, kind, wanted, slot, vmId, held, foreign }];
  });
}

/** What stands in the way of a part: others who hold some of it, or another of those who ask. */
function obstaclesOf(part: Part, asked: TakenBack, taken: readonly Part[]): BlockedBy[] {
  const { held, foreign } = part;
  const others = held.filter((run) => !isOwn(run, asked));
  const elsewhere = taken.find(
    ({ spaceId, wanted, held: runs }) =>
      spaceId === part.spaceId &&
      (overlapOf(wanted, part.wanted) ||
        runs.some(({ id }) => held.some((run) => run.kind === 'quarantine' && run.id === id))),
  );
  const isHeld = held.some((run) => run.kind === 'vm' && run.vm_id === asked.holder.vmId);
  const texts = [
    ...others.map((run) => `${valueText(part, run)} ${holderText(run)}`),
    ...(foreign && !isHeld && others.length === 0
      ? [`${valueText(part, part.wanted)} is held by others on the router`]
      : []),
    ...(elsewhere && elsewhere.vmId !== part.vmId
      ? [`${valueText(part, part.wanted)} is asked for by another VM too`]
      : []),
  ];
  return texts.map((text) => ({ text }));
}

/** The VM's own, or what rests since it, or one of its name and group, gave it up. */
function isOwn(run: Held, { holder, formerId }: TakenBack): boolean {
  const { vmId, vmName, ownerGroup } = holder;
  if (run.kind === 'vm') return run.vm_id === vmId;
  if (run.kind !== 'quarantine' || run.former_name === '') return false; // nobody's: others hold it on the router
  const named = run.former_name === vmName.toLowerCase() && run.former_group === ownerGroup;
  return named || run.vm_id === vmId || run.vm_id === formerId;
}

const holderTexts: Record<Exclude<Held['kind'], 'vm'>, string> = {
  quarantine: 'was given up by another VM not long ago and rests',
  reserved: 'is reserved',
  planned: 'is held by a plan',
  foreign: 'is held by others on the router',
};

const holderText = ({ kind, vm_name }: Held): string =>
  kind === 'vm' ? `is held by the VM ${vm_name ?? 'that is being made'}` : holderTexts[kind];

function valueText({ kind, wanted }: Part, run: NumberRange): string {
  const { first, last } = overlapOf(wanted, run) ?? wanted;
  const show = (value: number) => (kind === 'address' ? formatIpv4(value) : String(value));
  const text = first === last ? show(first) : `${show(first)}-${show(last)}`;
  if (kind === 'address') return `the address ${text}`;
  return kind === 'rule' ? `the rule number ${text}` : `the external ${kind} port ${text}`;
}

/** What rests is woken, what is held stays, and the rest is taken anew. */
function addTo({ woken, fresh }: Taking, { spaceId, wanted, held, vmId, slot }: Part): void {
  for (const run of held.filter(({ kind }) => kind === 'quarantine')) {
    const part = overlapOf(run, wanted);
    const before = woken.find(({ id }) => id === run.id);
    if (part && before === undefined) woken.push({ id: run.id, run, part, vmId, slot });
  }
  for (const range of without(wanted, held)) fresh.push({ spaceId, range, vmId, slot });
}

async function take(sql: Sql, { woken, fresh }: Taking): Promise<void> {
  if (woken.length > 0) await wake(sql, woken);
  if (fresh.length === 0) return;
  await sql.execute(
    `INSERT INTO allocations (space_id, held, kind, vm_id, slot)
     SELECT space_id, int8range(first, last, '[]'), 'vm', vm_id, slot
     FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[]) AS v (space_id, first, last, vm_id, slot)`,
    [
      fresh.map(({ spaceId }) => spaceId),
      fresh.map(({ range }) => range.first),
      fresh.map(({ range }) => range.last),
      fresh.map(({ vmId }) => vmId),
      fresh.map(({ slot }) => slot),
    ],
  );
  await takeRanges(
    sql,
    fresh.map(({ spaceId, range }) => ({ space_id: spaceId, ...range })),
  );
}

/** Runs that rest become the VMs'; what of them nobody wants rests on. */
async function wake(sql: Sql, woken: readonly Woken[]): Promise<void> {
  const left = woken.flatMap(({ id, run, part }) => without(run, [part]).map((range) => ({ id, ...range })));
  const resting = await sql.query<{
    id: string;
    space_id: number;
    until: string;
    vm_id: string;
    former_group: string;
    former_name: string;
  }>(
    `UPDATE allocations a SET held = int8range(b.first, b.last, '[]'), kind = 'vm', vm_id = b.vm_id, slot = b.slot,
       rests_until = a.until, until = NULL, former_group = NULL, former_name = NULL
     FROM (SELECT b.*, q.vm_id AS former_id, q.former_group, q.former_name FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[])
       AS b (id, first, last, vm_id, slot) JOIN allocations q ON q.id = b.id) b
     WHERE a.id = b.id AND a.kind = 'quarantine'
     RETURNING a.id::text, a.space_id, a.rests_until::text AS until, b.former_id AS vm_id, b.former_group, b.former_name`,
    [
      woken.map(({ id }) => id),
      woken.map(({ part }) => part.first),
      woken.map(({ part }) => part.last),
      woken.map(({ vmId }) => vmId),
      woken.map(({ slot }) => slot),
    ],
  );
  const rows = left.flatMap(({ id, first, last }) => {
    const run = resting.find((one) => one.id === id);
    return run ? [{ ...run, first, last }] : [];
  });
  if (rows.length === 0) return;
  await sql.execute(
    `INSERT INTO allocations (space_id, held, kind, until, vm_id, former_group, former_name)
     SELECT space_id, int8range(first, last, '[]'), 'quarantine', until, vm_id, former_group, former_name
     FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[])
       AS v (space_id, first, last, until, vm_id, former_group, former_name)`,
    [
      rows.map(({ space_id }) => space_id),
      rows.map(({ first }) => first),
      rows.map(({ last }) => last),
      rows.map(({ until }) => until),
      rows.map(({ vm_id }) => vm_id),
      rows.map(({ former_group }) => former_group),
      rows.map(({ former_name }) => former_name),
    ],
  );
}
