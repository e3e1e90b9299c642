import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VmService } from '@berth/contracts';
import type { Database } from '@berth/database';
import { inParallel, names } from '@berth/e2e';
import { request } from '@berth/messaging';
import { type AllocatorAlone, onAllocatorAlone, principal } from './allocator-alone.ts';
import { percentile, rounded } from './statistics.ts';

const router = { name: 'default', externalIp: '203.0.113.2', dhcpSubnet: '10.0.0.0/16' };
const vms = 10_000;

/** Listing 10,000 VMs with 3 forwards each: what a page takes at the beginning and at the end, and how many statements it costs. */
export async function list(): Promise<void> {
  await onAllocatorAlone({ routers: [router], applied: true }, async (alone) => {
    await inParallel(names('vm', vms), 64, (vmName) => alone.provision({ vmName }));
    await alone.untilEnded(vms);
    await alone.database.execute('VACUUM (ANALYZE) vms');
    await everyPage(alone, 500); // warms the code up
    const rounds = [await everyPage(alone, 500), await everyPage(alone, 500), await everyPage(alone, 500)];
    const pages = rounds[0]?.length ?? 0;
    const perPage = Array.from({ length: pages }, (_, page) => Math.min(...rounds.map((round) => round[page] ?? 0)));
    const half = Math.floor(pages / 2);
    const [early, late] = [percentile(perPage.slice(0, half), 0.5), percentile(perPage.slice(half), 0.5)];
    console.log(`list: ${vms} VMs in ${pages} pages of 500, each ${rounded(percentile(perPage, 0.5))} ms (median)`);
    console.log(
      `  later pages ${rounded(late)} ms against early ones ${rounded(early)} ms: ratio ${rounded(late / early, 2)} (aim: flat)`,
    );
    const [few, many] = [await statementsPerPage(alone, 50), await statementsPerPage(alone, 500)];
    console.log(`  statements per page: ${rounded(few, 2)} with 50 VMs, ${rounded(many, 2)} with 500 (aim: the same)`);
  });
}

/** How long each page takes, in milliseconds. */
async function everyPage({ bus }: AllocatorAlone, pageSize: number): Promise<number[]> {
  const times: number[] = [];
  let listed = 0;
  for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
    const begun = performance.now();
    const page: { vms: { forwards: unknown[] }[]; nextPageToken: string } = await request(
      bus,
      VmService.method.listVms,
      { principal, pageSize, pageToken },
      { timeoutMs: 20_000 },
    );
    times.push(performance.now() - begun);
    listed += page.vms.length;
    if (page.vms.some(({ forwards }) => forwards.length !== 3)) throw new Error('a VM has not its three forwards');
    pageToken = page.nextPageToken || undefined;
  }
  if (listed !== vms) throw new Error(`${listed} VMs were listed`);
  return times;
}

/** Counted in the server's log; what the allocator also asks when nobody lists anything does not count. */
async function statementsPerPage(alone: AllocatorAlone, pageSize: number): Promise<number> {
  const { database } = alone;
  await database.execute("ALTER SYSTEM SET log_line_prefix = '<%a> '");
  await database.execute("ALTER SYSTEM SET log_statement = 'all'");
  const texts = async (work: () => Promise<unknown>) => {
    const before = (await statementsLogged(database)).length;
    await work();
    return (await statementsLogged(database)).slice(before);
  };
  await database.query('SELECT pg_reload_conf()');
  const idle = new Set(await texts(() => new Promise((resolve) => setTimeout(resolve, 20_000)))); // longer than any of its timers but one
  let pages = 0;
  const logged = await texts(async () => {
    pages = (await everyPage(alone, pageSize)).length;
  });
  await database.execute('ALTER SYSTEM RESET log_statement');
  await database.query('SELECT pg_reload_conf()');
  return logged.filter((text) => !idle.has(text)).length / pages;
}

async function statementsLogged(database: Database): Promise<string[]> {
  const [row] = await database.query<{ data_directory: string }>('SHOW data_directory');
  const log = await readFile(join(row?.data_directory ?? '', '../postgres.log'), 'utf8');
  return [...log.matchAll(/^<berth-allocator> LOG: {2}(?:statement|execute \S+): (.*)$/gm)].map(
    ([, text = '']) => text,
  );
}
