import { randomInt } from 'node:crypto';
import { inParallel, names, type RestClient, type RouterControl } from '@berth/e2e';
import { rounded } from './statistics.ts';
import { commitMs, saveMs, vmSetsMs } from './storm-floor.ts';

/** The router's clock runs so many times faster than that of the one that was measured. */
const faster = 10;
const scale = 1 / faster;

/** The driver's times in the same proportion, so that it decides as it would on the real one. */
export const stormEnv: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    BATCH_FLOOR: 10_000,
    BATCH_MOST: 300_000,
    BATCH_PAUSE: 250,
    INVENTORY_MAX_AGE: 60_000,
    DRIFT_EVERY: 3_600_000,
    SETTLE_DELAY: 1_000,
    SAVE_WITHIN: 5_000,
  }).map(([name, ms]) => [`BERTH_DRIVER_${name}_MS`, String(Math.max(1, Math.round(ms * scale)))]),
);

interface Storm {
  readonly api: RestClient;
  readonly router: RouterControl;
}

const vms = 1_000;
const clients = 50;
const commitsAtMost = { 'respond-async': 25, 'wait=120': 45 } as const;

/** 1,000 VMs with three forwards each from 50 clients that do not wait, on the measured router. */
export const stormAsync = (bench: Storm) => storm(bench, 'respond-async', 0);
/** The same, where each client waits for its VM before it asks for the next. */
export const stormSync = (bench: Storm) => storm(bench, 'wait=120', 0);
/** The same without waiting, and the router refuses one of a hundred. */
export const stormPoisoned = (bench: Storm) => storm(bench, 'respond-async', 0.01);

async function storm({ api, router }: Storm, prefer: keyof typeof commitsAtMost, poisoned: number): Promise<void> {
  await router.latency({ preset: 'calibrated', scale });
  const wanted = names('vm', vms);
  const bad = new Set<string>();
  while (bad.size < vms * poisoned) bad.add(wanted[randomInt(vms)] ?? '');
  for (const name of bad) await router.fault({ kind: 'refuse_commit', match: name, text: 'this change is not right' });
  const before = await router.counters();
  const begun = performance.now();
  const answers = await inParallel(wanted, clients, (vm_name) => api.provision({ vm_name }, { headers: { prefer } }));
  const acceptedIn = performance.now() - begun;
  const operations = answers.map(({ headers }) => headers.get('location')?.split('/').at(-1) ?? '');
  await untilEnded(api, answers.filter(({ status }) => status === 202).length);
  const tookMs = (performance.now() - begun) * faster;
  const after = await router.counters();
  const worked = await workedMs(router, performance.timeOrigin + begun);
  const commits = after.commits - before.commits;
  const floorMs = floorOf(vms);
  const label = `storm, ${prefer}${poisoned > 0 ? `, ${bad.size} poisoned` : ''}`;
  console.log(`${label}: ${vms} VMs × 3 forwards from ${clients} clients, the router's clock ${faster} times faster`);
  console.log(
    `  ${commits} commits (${poisoned > 0 ? '' : `aim ≤ ${commitsAtMost[prefer]}, `}floor ${vms / clients}), ${after.dhcp_restarts - before.dhcp_restarts} DHCP restarts, ${after.saves - before.saves} saves`,
  );
  console.log(
    `  ${rounded(tookMs / 1_000, 0)} s of the router, all accepted after ${rounded((acceptedIn * faster) / 1_000, 0)} s; the same in ${vms / clients} commits: ${rounded(floorMs / 1_000, 0)} s, × ${rounded(tookMs / floorMs, 2)}`,
  );
  const busyMs = worked.commits + worked.saves + worked.others;
  console.log(
    `  of that it worked ${rounded(busyMs / 1_000, 0)} s (commits ${rounded(worked.commits / 1_000, 0)}, saves ${rounded(worked.saves / 1_000, 0)}, others ${rounded(worked.others / 1_000, 0)}), × ${rounded(busyMs / floorMs, 2)}${prefer === 'respond-async' && poisoned === 0 ? ' (aim ≤ 1.15)' : ''}; else it waited for this machine, whose time counts ${faster} times`,
  );
  console.log(
    `  one by one on the same router: ${vms} commits and ${rounded(oneByOneMs(vms) / 1_000, 0)} s: ${rounded(oneByOneMs(vms) / tookMs)} times as long`,
  );
  if (poisoned > 0) await reportBlame(api, operations, wanted, bad);
}

/** How long the router was at work by its own log since `since` (milliseconds since 1970), in its own milliseconds. */
async function workedMs(router: RouterControl, since: number) {
  const worked = { commits: 0, saves: 0, others: 0 };
  for (const { path, started_ms, ended_ms } of await router.log()) {
    if (started_ms < since || ended_ms === null) continue;
    const kind = path === '/configure' ? 'commits' : path === '/config-file' ? 'saves' : 'others';
    worked[kind] += (ended_ms - started_ms) * faster;
  }
  return worked;
}

async function untilEnded(api: RestClient, accepted: number): Promise<void> {
  if (accepted === 0) return;
  for (;;) {
    const open = await api.get('/v1/operations?state=pending,running&limit=1');
    if (open.body.items.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function reportBlame(
  api: RestClient,
  operations: readonly string[],
  wanted: readonly string[],
  bad: ReadonlySet<string>,
): Promise<void> {
  const states = await inParallel(
    operations.map((id) => id),
    8,
    async (id) => (await api.get(`/v1/operations/${id}`)).body,
  );
  const failed = states.flatMap(({ state }, at) => (state === 'failed' ? [wanted[at] ?? ''] : []));
  const right = failed.filter((name) => bad.has(name)).length;
  const most = bad.size * (Math.ceil(Math.log2(wanted.length)) + 1);
  console.log(
    `  blamed: ${right} of ${bad.size} offenders, ${failed.length - right} others; at most ${most} commits more than without them allowed`,
  );
}

/** What the router needs for `count` VMs in batches of as many as there are clients, without saves. Milliseconds. */
function floorOf(count: number): number {
  let sum = 0;
  for (let done = 0; done < count; done += clients) sum += commitMs(3 * done) + clients * vmSetsMs;
  return sum;
}

/** One commit and one save for each VM. */
function oneByOneMs(count: number): number {
  let sum = 0;
  for (let done = 0; done < count; done += 1) sum += commitMs(3 * done) + vmSetsMs + saveMs(3 * (done + 1));
  return sum;
}
