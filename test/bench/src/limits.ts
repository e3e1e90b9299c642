import { readFile } from 'node:fs/promises';
import { LimitService, subjectOfMethod } from '@berth/contracts';
import type { RestClient } from '@berth/e2e';
import type { RunningSystem } from '@berth/local';
import { connectBus } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { percentile, rounded } from './statistics.ts';

const rounds = 10;
const perRound = 1_000;
const rule = { subject: 'key', endpoint_group: '', requests: 1_000_000, mode: 'block' };
const rules = [
  { ...rule, window_seconds: 3_600 },
  { ...rule, window_seconds: 86_400 },
  { ...rule, window_seconds: 60, endpoint_group: 'vms' },
];

/** What counting adds to a request that reaches nobody behind the gateway, and how often auth is asked for units. */
export async function limits({ api, system }: { readonly api: RestClient; readonly system: RunningSystem }) {
  const { urlFile, subjectPrefix: prefix } = system.nats;
  const url = (await readFile(urlFile, 'utf8')).trim();
  const bus = await connectBus({ url, prefix, name: 'bench', log: createLogger('bench', 'fatal') });
  let leases = 0;
  bus.connection.subscribe(subjectOfMethod(prefix, LimitService.method.leaseQuota), { callback: () => void leases++ });
  await bus.ping();
  const times = { without: [] as number[], with: [] as number[] };
  await timed(api, perRound); // warms the code up
  for (let round = 0; round < rounds; round++) {
    for (const which of ['without', 'with'] as const) {
      await setRules(api, which === 'with' ? rules : []);
      await timed(api, 50);
      times[which].push(...(await timed(api, perRound)));
    }
  }
  await bus.ping();
  const counted = rounds * (perRound + 50);
  const [plain, limited] = [percentile(times.without, 0.5), percentile(times.with, 0.5)];
  console.log(
    `limits: a request p50 ${rounded(plain * 1_000, 0)} µs without, ${rounded(limited * 1_000, 0)} µs with three limits: ${rounded((limited - plain) * 1_000, 0)} µs more (aim ≤ 300)`,
  );
  console.log(
    `  p99 ${rounded(percentile(times.without, 0.99), 2)} ms without, ${rounded(percentile(times.with, 0.99), 2)} ms with; ${rounded((leases * 10_000) / counted, 1)} questions to auth per 10,000 requests`,
  );
  await bus.drain();
}

/** What each takes, one after the other, in milliseconds. It is refused for its body: after everything that limits do. */
async function timed(api: RestClient, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const begun = performance.now();
    const { status, body } = await api.post('/v1/vms/provision', {});
    if (body.code === 'OVERLOADED') continue; // a machine that does other things, too
    if (status !== 422) throw new Error(`a request was answered ${status} ${body.code}`);
    times.push(performance.now() - begun);
  }
  return times;
}

/** Sets the rules, and waits until the gateway goes by them. */
async function setRules(api: RestClient, wanted: readonly object[]): Promise<void> {
  const { status } = await api.call('PUT', '/v1/admin/limits', { body: { rules: wanted } });
  if (status !== 200) throw new Error(`the limits were answered ${status}`);
  for (;;) {
    const { headers } = await api.post('/v1/vms/provision', {});
    if (headers.has('ratelimit-limit') === wanted.length > 0) return;
  }
}
