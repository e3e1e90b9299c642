import { randomUUID } from 'node:crypto';
import type { Database } from '@berth/database';
import { type AllocatorAlone, onAllocatorAlone } from './allocator-alone.ts';
import { percentile, rounded } from './statistics.ts';

const full = { name: 'full', externalIp: '203.0.113.2', dhcpSubnet: '10.0.0.0/8' };
const empty = { name: 'empty', externalIp: '203.0.113.3', dhcpSubnet: '192.168.7.0/24' };

/**
 * How long the acceptance of one VM takes in a /8 of which 99 % is held, its free addresses each alone, against an empty /24: one after the
 * other, turn by turn. The routers refuse, so that both stay as they are. Every other request names a range somewhere in the pool.
 */
export async function fill(): Promise<void> {
  await onAllocatorAlone({ routers: [full, empty], applied: false }, async (alone) => {
    const free = await fillUp(alone.database, full.name);
    const times: Record<string, number[]> = { full: [], empty: [] };
    const turns = 500;
    for (let turn = 0; turn < 50 + turns; turn++) {
      for (const { name } of turn % 2 === 0 ? [full, empty] : [empty, full]) {
        const ms = await oneProvision(alone, name, turn % 4 > 1);
        if (turn >= 50) times[name]?.push(ms); // the first ones warm the code up
      }
    }
    const of = (name: string, share: number) => percentile(times[name] ?? [], share);
    console.log(`fill: a /8 with ${free} free single addresses against an empty /24, ${turns} provisions each`);
    for (const share of [0.5, 0.9, 0.99]) {
      const [a, b] = [of('full', share), of('empty', share)];
      console.log(
        `  p${share * 100}: ${rounded(a, 2)} ms against ${rounded(b, 2)} ms, ratio ${rounded(a / b, 3)} (aim ≤ 1.15)`,
      );
    }
  });
}

/** Everything is held but each hundredth address. Gives back how many spans are free. */
async function fillUp(database: Database, router: string): Promise<number> {
  const [place] = await database.query<{ space_id: number; segment_id: number; first: number; last: number }>(
    `SELECT g.space_id, g.id AS segment_id, min(lower(r.span))::float8 AS first, max(upper(r.span))::float8 - 1 AS last
     FROM segments g JOIN segment_ranges r ON r.segment_id = g.id JOIN spaces s ON s.id = g.space_id
     WHERE s.router = $1 AND s.kind = 'address' AND g.pool_id IS NOT NULL GROUP BY g.id, g.space_id`,
    [router],
  );
  if (place === undefined) throw new Error(`the router ${router} has no pool of addresses`);
  const { space_id, segment_id, first, last } = place;
  await database.execute('DELETE FROM free_spans WHERE segment_id = $1', [segment_id]);
  await database.execute(
    `INSERT INTO allocations (space_id, held, kind, vm_id)
     SELECT $1, int8range(n + 1, least(n + 100, $3::bigint + 1)), 'vm', $4::uuid FROM generate_series($2::bigint, $3::bigint - 1, 100) n`,
    [space_id, first, last, randomUUID()],
  );
  const free = await database.execute(
    'INSERT INTO free_spans (segment_id, first, last) SELECT $1, n, n FROM generate_series($2::bigint, $3::bigint, 100) n',
    [segment_id, first, last],
  );
  await database.execute('VACUUM (ANALYZE) allocations');
  await database.execute('VACUUM (ANALYZE) free_spans');
  return free;
}

let asked = 0;

async function oneProvision({ provision, untilEnded, ended }: AllocatorAlone, router: string, somewhere: boolean) {
  const at = Math.floor(Math.random() * 250);
  const within =
    router === full.name
      ? { first: `10.${at}.0.0`, last: `10.${at}.255.255` }
      : { first: `192.168.7.${1 + (at % 200)}`, last: '192.168.7.250' };
  const end = ended.succeeded + ended.failed + 1;
  const begun = performance.now();
  await provision({ vmName: `vm-${asked++}`, router, ...(somewhere ? { addressRange: within } : {}) });
  const ms = performance.now() - begun;
  await untilEnded(end); // its values are free again, and nothing of it is in the next one's way
  return ms;
}
