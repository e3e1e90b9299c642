import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { Holder } from '../../../app/ports.ts';
import { portSpacesOf } from '../../../domain/forwards/forward.ts';
import type { NumberRange } from '../../../domain/number-range.ts';
import type { Source } from '../../../domain/pools/pool-directory.ts';
import {
  type Chosen,
  chooseValues,
  type Demand,
  type Segment,
  type Sources,
  type SpaceBook,
  type SpaceKind,
  type ValueBook,
} from '../../../domain/values/choose-values.ts';
import { FreeSpans } from '../../../domain/values/free-spans.ts';
import { loadKept } from './kept-values.ts';
import { explainRefusals } from './refusals.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';
import { type BlockWindow, everything, loadSpans, type SpanWindow, storeSpans } from './span-store.ts';
import { SpansOutOfStep } from './spans-out-of-step.ts';

export interface Asker {
  readonly holder: Holder;
  readonly demand: Demand;
  readonly sources: Sources;
}

/** Where one asker's values of each kind are. */
interface Place {
  readonly spaceIds: Readonly<Record<SpaceKind, number>>;
  readonly segments: Readonly<
    Record<SpaceKind, { readonly pool: number | undefined; readonly rest: number | undefined }>
  >;
}

type Answer = Chosen | DomainError;

/** More spans than the ports of an address can have. */
const everySpan = 65_536;

/** Reserves for each in order, with a fixed number of statements however many ask and of however many pools. */
export async function reserveValues(sql: Sql, catalogue: SpaceCatalogue, asked: readonly Asker[]): Promise<Answer[]> {
  const places = asked.map(({ sources }) => placeOf(catalogue, sources));
  const kept = await loadKept(
    sql,
    catalogue,
    asked.map(({ holder }) => holder),
  );
  const takings = asked.reduce((sum, { demand }) => sum + demand.ports.length + demand.rules.length + 1, 1);
  for (let most = takings; ; most = everySpan) {
    const spans = await loadSpans(sql, ...windowsFor(places, asked, most));
    const chosen = asked.map(({ holder, demand, sources }, index) => {
      const place = places[index];
      if (place === undefined) throw new Error('every asker has a place');
      const own = kept(holder, sources.router);
      return chooseValues(bookOf(place, spans), sources, demand, own);
    });
    if (most < everySpan && asked.some(({ demand }, index) => mayHaveMissed(demand, chosen[index]))) continue;
    await storeAllocations(sql, places, asked, chosen);
    await storeSpans(sql, spans);
    return explainRefusals(sql, catalogue, asked, chosen);
  }
}

/** Only ports for two protocols, and runs within a range, can lie behind the spans that were loaded: what is lowest need not be enough. */
const mayHaveMissed = ({ ports }: Demand, result: Answer | undefined): boolean =>
  result instanceof DomainError &&
  result.code === 'PORT_POOL_EXHAUSTED' &&
  ports.some(({ protocol, count, within }) => protocol === 'tcp_udp' || (count > 1 && within !== undefined));

function placeOf(catalogue: SpaceCatalogue, { router, externalIp, address, ports, rules }: Sources): Place {
  const found = (kind: SpaceKind, { pool, only }: Source) => {
    const space = catalogue.find(router, kind, externalIp);
    const segment = (poolId: string | null) => space?.segments.find((one) => one.poolId === poolId)?.id;
    return { space: space?.id ?? 0, pool: pool && segment(pool.id), rest: only ? undefined : segment(null) };
  };
  const of = {
    address: found('address', address),
    tcp: found('tcp', ports),
    udp: found('udp', ports),
    rule: found('rule', rules),
  };
  return {
    spaceIds: { address: of.address.space, tcp: of.tcp.space, udp: of.udp.space, rule: of.rule.space },
    segments: of,
  };
}

function bookOf({ segments }: Place, spans: ReadonlyMap<number, FreeSpans>): ValueBook {
  const segment = (id: number | undefined): Segment | undefined =>
    id === undefined ? undefined : { id, free: spans.get(id) ?? new FreeSpans([]) };
  const book = (kind: SpaceKind): SpaceBook => ({
    pool: segment(segments[kind].pool),
    rest: segment(segments[kind].rest),
  });
  return { address: book('address'), tcp: book('tcp'), udp: book('udp'), rule: book('rule') };
}

/** Which spans to fetch: each taking uses up at most one that fits, so as many as there are takings suffice. */
function windowsFor(places: readonly Place[], asked: readonly Asker[], most: number): [SpanWindow[], BlockWindow[]] {
  const windows = new Map<string, SpanWindow>();
  const blocks = new Map<string, BlockWindow>();
  const addBlock = (segmentId: number | undefined, length: number) => {
    if (segmentId !== undefined) blocks.set(`${segmentId} ${length}`, { segmentId, length, most });
  };
  for (const [index, { demand }] of asked.entries()) {
    const segments = places[index]?.segments;
    if (segments === undefined) continue;
    const add = (kind: SpaceKind, within: NumberRange | undefined) => {
      const { pool, rest } = segments[kind];
      for (const segmentId of within ? [pool, rest] : [pool]) {
        const key = `${segmentId} ${within?.first} ${within?.last}`;
        if (segmentId !== undefined) windows.set(key, { segmentId, within: within ?? everything, most });
      }
    };
    if (demand.address) add('address', demand.address.within);
    for (const { protocol, exact, count, within } of demand.ports) {
      const where = exact === 0 ? within : { first: exact, last: exact + count - 1 };
      const spaces = portSpacesOf(protocol);
      const anyRun = count > 1 && where === undefined && spaces.length === 1;
      for (const kind of spaces) anyRun ? addBlock(segments[kind].pool, count) : add(kind, where);
    }
    for (const { count } of demand.rules) addBlock(segments.rule.pool, count);
  }
  return [[...windows.values()], [...blocks.values()]];
}

async function storeAllocations(
  sql: Sql,
  places: readonly Place[],
  asked: readonly Asker[],
  chosen: readonly Answer[],
): Promise<void> {
  const all = chosen.flatMap((result, index) => {
    const vmId = asked[index]?.holder.vmId ?? '';
    if (result instanceof DomainError) return [];
    return result.taken.map((value) => ({ ...value, vmId, spaceId: places[index]?.spaceIds[value.space] ?? 0 }));
  });
  const fresh = all.filter(({ keptIds }) => keptIds.length === 0);
  const back = all.flatMap(({ keptIds, vmId }) => keptIds.map((id) => ({ id, vmId })));
  const stored = await sql.execute(
    `INSERT INTO allocations (space_id, held, kind, vm_id, slot)
     SELECT space_id, int8range(first, last, '[]'), 'vm', vm_id, slot
     FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[]) AS v (space_id, first, last, vm_id, slot)
     ON CONFLICT DO NOTHING`,
    [
      fresh.map(({ spaceId }) => spaceId),
      fresh.map(({ held }) => held.first),
      fresh.map(({ held }) => held.last),
      fresh.map(({ vmId }) => vmId),
      fresh.map(({ slot }) => slot),
    ],
  );
  if (stored < fresh.length) throw new SpansOutOfStep([...new Set(fresh.map(({ spaceId }) => spaceId))]);
  if (back.length === 0) return;
  await sql.execute(
    `UPDATE allocations a SET kind = 'vm', vm_id = b.vm_id, rests_until = a.until, until = NULL, former_group = NULL, former_name = NULL
     FROM unnest($1::bigint[], $2::uuid[]) AS b (id, vm_id) WHERE a.id = b.id AND a.kind = 'quarantine'`,
    [back.map(({ id }) => id), back.map(({ vmId }) => vmId)],
  );
}
