// `npm run bench`: the whole system on this machine, measured from outside. Bounded in time and count; loopback only.
//   npm run bench                all
//   npm run bench -- throughput  one by name
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inParallel, names, RestClient, RouterControl } from '@berth/e2e';
import { type RunningSystem, startSystem } from '@berth/local';
import { access } from './bench-access.ts';
import { allocations } from './bench-allocations.ts';
import { fill } from './bench-fill.ts';
import { history } from './bench-history.ts';
import { list } from './bench-list.ts';
import { planner } from './bench-planner.ts';
import { stormAsync, stormEnv, stormPoisoned, stormSync } from './bench-storm.ts';
import { bulk } from './bulk.ts';
import { explain } from './explain.ts';
import { limits } from './limits.ts';
import { residentMb } from './resident.ts';
import { percentile, rounded } from './statistics.ts';

interface Bench {
  readonly system: RunningSystem;
  readonly api: RestClient;
  readonly router: RouterControl;
  readonly startedInMs: number;
}

async function onFreshSystem<T>(
  work: (bench: Bench) => Promise<T>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  const start = performance.now();
  const system = await startSystem({
    stateFolder,
    port: 0,
    env: { BERTH_RATE_LIMIT_PER_SECOND: '0', BERTH_PORT_RANGE: '20000-60000', BERTH_LOG_LEVEL: 'warn', ...env },
  });
  try {
    if (system.router === null) throw new Error('the benchmarks need the simulated router');
    return await work({
      system,
      api: new RestClient(system.api, system.adminApiKey),
      router: new RouterControl(system.router.control),
      startedInMs: performance.now() - start,
    });
  } finally {
    await system.stop();
    await rm(stateFolder, { recursive: true, force: true });
  }
}

/** The router has saved the last commit, so that nothing is in the next request's way. */
async function untilIdle(router: RouterControl): Promise<void> {
  for (let last = -1; ; ) {
    const { requests } = await router.counters();
    if (requests === last) return;
    last = requests;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

const benches: Record<string, (bench: Bench) => Promise<void>> = {
  /** VMs per second end to end, 64 callers, a router that takes no time: what Berth itself can do. */
  async throughput({ api, router, system }) {
    const warm = await inParallel(names('warm', 100), 64, (vm_name) => api.provision({ vm_name }));
    if (warm.some((answer) => answer.status !== 201)) throw new Error('a warm-up request failed');
    const count = 2_000;
    const before = await router.counters();
    const start = performance.now();
    const answers = await inParallel(names('vm', count), 64, async (vm_name) => {
      const begun = performance.now();
      const { status } = await api.provision({ vm_name });
      return { status, ms: performance.now() - begun };
    });
    const seconds = (performance.now() - start) / 1000;
    const failed = answers.filter((answer) => answer.status !== 201).length;
    const after = await router.counters();
    console.log(`throughput: ${rounded(count / seconds, 0)} VMs/s from 64 callers (aim ≥ 200), ${failed} failed`);
    console.log(
      `  request p50 ${rounded(
        percentile(
          answers.map((a) => a.ms),
          0.5,
        ),
      )} ms, p99 ${rounded(
        percentile(
          answers.map((a) => a.ms),
          0.99,
        ),
      )} ms`,
    );
    console.log(
      `  per VM: ${rounded((after.commits - before.commits) / count, 3)} commits, ${rounded((after.requests - before.requests) / count, 3)} router requests`,
    );
    for (const service of system.services)
      console.log(`  ${service.name}: ${rounded(await residentMb(service.pid), 0)} MB resident (aim ≤ 150)`);
  },

  /** What one request costs on an idle router above the router's own time. */
  async overhead({ api, router }) {
    await router.latency({ preset: 'instant', commit_ms: 50 });
    const times: number[] = [];
    for (const vm_name of names('one', 120)) {
      await untilIdle(router);
      const begun = performance.now();
      const { status } = await api.provision({ vm_name });
      if (status !== 201) throw new Error(`provisioning answered ${status}`);
      times.push(performance.now() - begun - 50);
    }
    const settled = times.slice(20); // the first ones warm the code up
    console.log(
      `overhead of one request on an idle router that takes 50 ms: p50 ${rounded(percentile(settled, 0.5))} ms (aim ≤ 30), p95 ${rounded(percentile(settled, 0.95))} ms`,
    );
  },

  /** A router that takes a second a commit: sharing it against one commit per VM. */
  async sharing({ api, router }) {
    await router.latency({ preset: 'instant', commit_ms: 1_000 });
    const before = await router.counters();
    const start = performance.now();
    const answers = await inParallel(names('vm', 200), 64, (vm_name) =>
      api.provision({ vm_name }, { headers: { prefer: 'wait=120' } }),
    );
    const seconds = (performance.now() - start) / 1000;
    const commits = (await router.counters()).commits - before.commits;
    const failed = answers.filter((answer) => answer.status !== 201).length;
    console.log(
      `sharing: 200 VMs in ${commits} commits and ${rounded(seconds)} s, ${failed} failed; one commit a VM would take 200 s: ratio ${rounded(200 / seconds)}`,
    );
  },

  /** 10,000 VMs in one request. */
  bulk,

  /** Why lines are there, with 10,000 rules. */
  explain,

  /** What counting requests adds to each. */
  limits,

  /** From start to ready, all installed, a new state folder. */
  async start({ startedInMs }) {
    console.log(`start: ready after ${rounded(startedInMs / 1000)} s (aim ≤ 8)`);
  },
};

/** On the measured router, by its scaled clock; each takes minutes. */
const storms: Record<string, (bench: Bench) => Promise<void>> = {
  storm: stormAsync,
  'storm-sync': stormSync,
  'storm-poisoned': stormPoisoned,
};

/** Of one part by itself. */
const partBenches: Record<string, () => Promise<void>> = {
  access,
  allocations,
  fill,
  list,
  history: () => history(process.env),
  planner,
};

const wanted = process.argv.slice(2);
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);
for (const [name, bench] of Object.entries(benches)) if (isWanted(name)) await onFreshSystem(bench);
for (const [name, bench] of Object.entries(storms)) if (isWanted(name)) await onFreshSystem(bench, stormEnv);
for (const [name, bench] of Object.entries(partBenches)) if (isWanted(name)) await bench();
