import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { Holder, ValueStore } from '../../app/ports.ts';
import {
  type Chosen,
  chooseValues,
  type Demand,
  type KeptValue,
  type SpaceBook,
  type SpaceKind,
  type ValueBook,
} from '../../domain/choose-values.ts';
import { addressTaken } from '../../domain/errors.ts';
import { portSpacesOf } from '../../domain/forward.ts';
import { FreeSpans } from '../../domain/free-spans.ts';
import { formatIpv4 } from '../../domain/ipv4.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import { type FreedRange, freeRanges } from './free-ranges.ts';
import type { SpaceCatalogue, SpaceEntry } from './space-catalogue.ts';
import { type BlockWindow, everything, loadSpans, type SpanWindow, storeSpans } from './span-store.ts';
import { SpansOutOfStep } from './spans-out-of-step.ts';

type Asked = readonly { readonly holder: Holder; readonly demand: Demand }[];
type Spaces = Readonly<Record<SpaceKind, SpaceEntry>>;

const spaceKinds: readonly SpaceKind[] = ['address', 'tcp', 'udp', 'rule'];
const poolNamed = (space: SpaceEntry, name: string) => space.pools.find((pool) => pool.name === name);

/** Values in Postgres: taken under the router's lock with a fixed number of statements, however many ask at once. */
export function postgresValues(
  sql: Sql,
  catalogue: () => Promise<SpaceCatalogue>,
  options: { readonly quarantineMs: number },
): ValueStore {
  return {
    async reserve({ router, externalIp }, asked) {
      if (asked.length === 0) return [];
      const spaces = spacesOf(await catalogue(), router, externalIp);
      const kept = await loadKept(sql, spaces, asked);
      const rangesOf = (kind: SpaceKind) => poolNamed(spaces[kind], 'default')?.ranges ?? [];
      let most = 1 + asked.reduce((sum, { demand }) => sum + demand.ports.length + 1, 0);
      for (;;) {
        const pools = await loadSpans(sql, ...windowsFor(spaces, asked, most));
        const book = bookOf(spaces, pools);
        const chosen = asked.map(({ holder, demand }) =>
          chooseValues(book, demand, kept.get(keyOf(holder)) ?? [], rangesOf),
        );
        if (most < wholePortPool && asked.some(({ demand }, index) => mayHaveMissed(demand, chosen[index]))) {
          most = wholePortPool;
          continue;
        }
        await storeAllocations(sql, spaces, asked, chosen);
        await storeSpans(sql, pools);
        return namedByOthers(sql, spaces, asked, chosen);
      }
    },

    async release(given, how) {
      const rows = given.flatMap(({ holder, slots }) =>
        (slots ?? [null]).map((slot) => ({ ...holder, vmName: holder.vmName.toLowerCase(), slot })),
      );
      if (rows.length === 0) return;
      const values = [rows.map(({ vmId }) => vmId), rows.map(({ slot }) => slot)];
      const former = [rows.map(({ ownerGroup }) => ownerGroup), rows.map(({ vmName }) => vmName)];
      const which = `a.vm_id = g.vm_id AND a.kind = 'vm' AND (g.slot IS NULL OR a.slot = g.slot)`;
      const rest = (until: string, also: string, more: readonly unknown[]) =>
        sql.execute(
          `UPDATE allocations a SET kind = 'quarantine', until = ${until}, rests_until = NULL,
             former_group = g.former_group, former_name = g.former_name
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS g (vm_id, slot, former_group, former_name)
           WHERE ${which} ${also}`,
          [...values, ...former, ...more],
        );
      if (how === 'quarantine') {
        await rest('clock_timestamp() + make_interval(secs => $5)', '', [options.quarantineMs / 1000]);
        return;
      }
      // What came back from quarantine stood before this holder had it: it rests on.
      await rest('a.rests_until', 'AND a.rests_until > clock_timestamp()', []);
      const freed = await sql.query<FreedRange>(
        `DELETE FROM allocations a USING unnest($1::uuid[], $2::text[]) AS g (vm_id, slot) WHERE ${which}
         RETURNING a.space_id, lower(a.held)::float8 AS first, upper(a.held)::float8 - 1 AS last`,
        values,
      );
      await freeRanges(sql, await catalogue(), freed);
    },
  };
}

/** Whoever named one address hears when it is others who have it; a range in which nothing is left is another thing. */
async function namedByOthers(
  sql: Sql,
  spaces: Spaces,
  asked: Asked,
  chosen: readonly (Chosen | DomainError)[],
): Promise<(Chosen | DomainError)[]> {
  const named = asked.map(({ demand }, index) => {
    const [result, within] = [chosen[index], demand.address?.within];
    const isOne = within !== undefined && within.first === within.last;
    return result instanceof DomainError && result.code === 'ADDRESS_POOL_EXHAUSTED' && isOne
      ? within.first
      : undefined;
  });
  const addresses = named.filter((address) => address !== undefined);
  if (addresses.length === 0) return [...chosen];
  const rows = await sql.query<{ address: number }>(
    `SELECT n.address::float8 AS address FROM unnest($2::bigint[]) AS n (address)
     WHERE EXISTS (SELECT FROM allocations a WHERE a.space_id = $1 AND a.held @> n.address AND a.kind = 'foreign')`,
    [spaces.address.id, addresses],
  );
  const theirs = new Set(rows.map(({ address }) => address));
  return chosen.map((result, index) => {
    const address = named[index];
    return address !== undefined && theirs.has(address) ? addressTaken(formatIpv4(address)) : result;
  });
}

/** More spans than a port pool can have. */
const wholePortPool = 65_536;

/** Only a port for two protocols can lie behind the spans that were loaded: the lowest spans of the two need not meet. */
const mayHaveMissed = (demand: Demand, result: Chosen | DomainError | undefined): boolean =>
  result instanceof DomainError &&
  result.code === 'PORT_POOL_EXHAUSTED' &&
  demand.ports.some(({ protocol }) => protocol === 'tcp_udp');

const keyOf = ({ ownerGroup, vmName }: Holder): string => JSON.stringify([ownerGroup, vmName.toLowerCase()]);

function spacesOf(catalogue: SpaceCatalogue, router: string, externalIp: string): Spaces {
  const found = spaceKinds.map((kind) => {
    const space = catalogue.find(router, kind, externalIp);
    if (space === undefined) throw new Error(`the router ${router} has no space of kind ${kind} for ${externalIp}`);
    return [kind, space] as const;
  });
  return Object.fromEntries(found) as unknown as Spaces; // all four kinds are there
}

function bookOf(spaces: Spaces, pools: ReadonlyMap<number, FreeSpans>): ValueBook {
  const spansOf = (kind: SpaceKind, name: string) => {
    const pool = poolNamed(spaces[kind], name);
    return (pool && pools.get(pool.id)) ?? new FreeSpans([]);
  };
  const book = (kind: SpaceKind): SpaceBook => ({ pool: spansOf(kind, 'default'), rest: spansOf(kind, 'rest') });
  return { address: book('address'), tcp: book('tcp'), udp: book('udp'), rule: book('rule') };
}

function windowsFor(spaces: Spaces, asked: Asked, most: number): [SpanWindow[], BlockWindow[]] {
  const windows: SpanWindow[] = [];
  const add = (kind: SpaceKind, within: NumberRange | undefined, limit: number) => {
    for (const name of within ? ['default', 'rest'] : ['default']) {
      const pool = poolNamed(spaces[kind], name);
      if (pool) windows.push({ poolId: pool.id, within: within ?? everything, most: limit });
    }
  };
  const seen = new Set<string>();
  const addOnce = (kind: SpaceKind, within: NumberRange | undefined, limit: number) => {
    const key = `${kind} ${within?.first} ${within?.last}`;
    if (!seen.has(key)) add(kind, within, limit);
    seen.add(key);
  };
  for (const { demand } of asked) {
    if (demand.address) addOnce('address', demand.address.within, most);
    for (const { protocol, exact, within } of demand.ports) {
      const where = exact === 0 ? within : { first: exact, last: exact };
      for (const kind of portSpacesOf(protocol)) addOnce(kind, where, most);
    }
  }
  const lengths = new Set(asked.map(({ demand }) => demand.rules).filter((rules) => rules > 0));
  const rulePool = poolNamed(spaces.rule, 'default');
  // Each taking uses up at most one span that is long enough, so as many as there are takers suffice.
  const blocks = rulePool ? [...lengths].map((length) => ({ poolId: rulePool.id, length, most: asked.length })) : [];
  return [windows, blocks];
}

/** Values in quarantine whose former holders ask; not those that others hold on the router by now. */
async function loadKept(sql: Sql, spaces: Spaces, asked: Asked): Promise<Map<string, KeptValue[]>> {
  const ids = spaceKinds.map((kind) => spaces[kind].id);
  const rows = await sql.query<{
    id: string;
    space_id: number;
    first: number;
    last: number;
    slot: string;
    former_group: string;
    former_name: string;
  }>(
    `SELECT id, space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last, slot, former_group, former_name
     FROM allocations a WHERE kind = 'quarantine' AND space_id = ANY($1)
       AND (former_group, former_name) IN (SELECT * FROM unnest($2::text[], $3::text[]))
       AND NOT EXISTS (SELECT FROM spaces s JOIN foreign_holdings f ON f.router = s.router AND f.kind = s.kind
         WHERE s.id = a.space_id AND (s.external_ip = '' OR f.external_ip IN ('', s.external_ip)) AND f.held && a.held)
     ORDER BY id DESC`,
    [ids, asked.map(({ holder }) => holder.ownerGroup), asked.map(({ holder }) => holder.vmName.toLowerCase())],
  );
  const values = rows.map((row) => ({
    key: keyOf({ vmId: '', ownerGroup: row.former_group, vmName: row.former_name }),
    id: row.id,
    space: spaceKinds[ids.indexOf(row.space_id)] ?? 'address',
    held: { first: row.first, last: row.last },
    slot: row.slot,
  }));
  return Map.groupBy(values, ({ key }) => key);
}

async function storeAllocations(
  sql: Sql,
  spaces: Spaces,
  asked: Asked,
  chosen: readonly (Chosen | DomainError)[],
): Promise<void> {
  const all = chosen.flatMap((result, index) => {
    const vmId = asked[index]?.holder.vmId ?? '';
    return result instanceof DomainError ? [] : result.taken.map((value) => ({ ...value, vmId }));
  });
  const fresh = all.filter(({ keptId }) => keptId === undefined);
  const back = all.filter(({ keptId }) => keptId !== undefined);
  const stored = await sql.execute(
    `INSERT INTO allocations (space_id, held, kind, vm_id, slot)
     SELECT space_id, int8range(first, last, '[]'), 'vm', vm_id, slot
     FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[]) AS v (space_id, first, last, vm_id, slot)
     ON CONFLICT DO NOTHING`,
    [
      fresh.map(({ space }) => spaces[space].id),
      fresh.map(({ held }) => held.first),
      fresh.map(({ held }) => held.last),
      fresh.map(({ vmId }) => vmId),
      fresh.map(({ slot }) => slot),
    ],
  );
  if (stored < fresh.length) throw new SpansOutOfStep([...new Set(fresh.map(({ space }) => spaces[space].id))]);
  if (back.length === 0) return;
  await sql.execute(
    `UPDATE allocations a SET kind = 'vm', vm_id = b.vm_id, rests_until = a.until, until = NULL, former_group = NULL, former_name = NULL
     FROM unnest($1::bigint[], $2::uuid[]) AS b (id, vm_id) WHERE a.id = b.id AND a.kind = 'quarantine'`,
    [back.map(({ keptId }) => keptId), back.map(({ vmId }) => vmId)],
  );
}
