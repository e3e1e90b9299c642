import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventuallyHolds } from '@berth/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import {
  allVms,
  assertNothingTwice,
  assertRouterEqualsApi,
  type BerthUnderTest,
  inParallel,
  names,
  processesOf,
  startBerth,
} from '../src/index.ts';

const fast = {
  BERTH_DRIVER_LEASE_TTL_MS: '3000',
  BERTH_DRIVER_LEASE_MARGIN_MS: '1000',
  BERTH_DRIVER_PROBE_EVERY_MS: '500',
  BERTH_ANSWER_TIMEOUT_MS: '3000',
  BERTH_COMMAND_TIMEOUT_MS: '10000',
};
const storm = 60;

/** Clients that do not give up provision `storm` VMs and then remove every third; `disturb` runs in the middle. */
async function stormWith({ api, router }: BerthUnderTest, disturb: () => Promise<void>): Promise<void> {
  await router.latency({ preset: 'instant', commit_ms: 150 });
  let done = 0;
  const middle = Promise.withResolvers<void>();
  const disturbed = middle.promise.then(disturb);
  const clients = inParallel(names('vm', storm), 24, async (vm_name) => {
    const provisioned = await api.until('POST', '/v1/vms/provision', { vm_name }, 90_000);
    if (++done === Math.floor(storm / 5)) middle.resolve();
    if (done % 3 === 0) {
      const removed = await api.until('DELETE', `/v1/vms/${vm_name}/decommission`, undefined, 90_000);
      assert.ok([200, 404].includes(removed.status), JSON.stringify(removed.body));
      return { vm_name, status: provisioned.status, body: provisioned.body, removed: true };
    }
    return { vm_name, status: provisioned.status, body: provisioned.body, removed: false };
  });
  const results = await clients;
  await disturbed;
  for (const { status, body } of results) assert.equal(status, 201, JSON.stringify(body));

  const kept = results.filter((result) => !result.removed).map((result) => result.vm_name);
  const vms = await allVms(api);
  assert.deepEqual(vms.map((vm) => vm.machine_id).sort(), kept.sort());
  assertNothingTwice(vms);
  await eventuallyHolds(() => assertRouterEqualsApi(api, router), { timeoutMs: 30_000 });
}

for (const service of ['gateway', 'auth', 'allocator', 'vyos-driver'] as const) {
  test(`kill -9 of ${service} in the middle of a storm loses and doubles nothing`, async (t) => {
    const berth = await startBerth(t, { env: fast });
    await stormWith(berth, async () => {
      for (const { pid } of berth.system.services.filter(({ name }) => name.startsWith(service)))
        process.kill(pid, 'SIGKILL');
    });
  });
}

test('kill -9 of NATS in the middle of a storm loses and doubles nothing', async (t) => {
  const berth = await startBerth(t, { ownServers: true, env: fast });
  await stormWith(berth, async () => {
    const nats = processesOf(berth).servers.find(({ name }) => name === 'nats');
    assert.ok(nats);
    process.kill(nats.pid, 'SIGKILL');
  });
});

test('deleting every stream in the middle of a storm loses and doubles nothing', async (t) => {
  const berth = await startBerth(t, { env: fast });
  await stormWith(berth, async () => {
    const url = new URL(berth.natsUrl);
    const connection = await connect({
      servers: url.host,
      ...(url.username ? { user: url.username, pass: url.password } : {}),
    });
    const manager = await jetstreamManager(connection);
    for await (const name of manager.streams.names(`${berth.subjectPrefix}.>`)) await manager.streams.delete(name);
    await connection.close();
  });
});

test('a driver that is stopped in its tracks and wakes up late sends nothing beside its successor', async (t) => {
  const berth = await startBerth(t, { replicas: 2, env: fast });
  const { api, router, system } = berth;
  await router.latency({ preset: 'instant', commit_ms: 100 });
  assert.equal((await api.provision({ vm_name: 'before' })).status, 201);

  // the lease's holder is the replica that took the newest epoch
  const epochs = await Promise.all(
    system.services
      .filter(({ name }) => name.startsWith('vyos-driver'))
      .map(async (driver) => {
        const metrics = await (await fetch(`${driver.url}/metrics`)).text();
        return { driver, epoch: Number(/^berth_driver_lease_epoch\{[^}]*\} (\d+)$/m.exec(metrics)?.[1] ?? 0) };
      }),
  );
  const holder = epochs.reduce((newest, one) => (one.epoch > newest.epoch ? one : newest)).driver;
  process.kill(holder.pid, 'SIGSTOP');
  t.after(() => {
    try {
      process.kill(holder.pid, 'SIGCONT');
    } catch {
      // it has ended meanwhile
    }
  });
  const during = await inParallel(names('during', 30), 10, (vm_name) =>
    api.provision({ vm_name }, { headers: { prefer: 'wait=60' } }),
  );
  for (const answer of during) assert.equal(answer.status, 201, JSON.stringify(answer.body));
  process.kill(holder.pid, 'SIGCONT');
  const after = await inParallel(names('after', 10), 10, (vm_name) => api.provision({ vm_name }));
  for (const answer of after) assert.equal(answer.status, 201, JSON.stringify(answer.body));

  const counters = await router.counters();
  assert.equal(counters['reads_beside_write'], 0, 'a read beside a write');
  assert.ok((counters['empty_configures'] ?? 0) <= 1, 'more than one barrier');
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
});
