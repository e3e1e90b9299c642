import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RouterChange, RouterState } from '@berth/contracts';
import { eventually } from '@berth/testing';
import type { ProfileName } from '@berth/vyos-simulator';
import { RouterClient } from '../../src/adapters/vyos/router-client.ts';
import { changeFor, fragmentFor } from '../support/changes.ts';
import {
  assertForeignUntouched,
  configAt,
  driverWorld,
  isApplied,
  mappingOf,
  ruleOf,
  vmIds,
  type World,
} from '../support/driver-world.ts';

const profiles: readonly ProfileName[] = ['1.3', '1.4', '1.5-2024', '1.5-2025', '1.5-2026'];

const subnetPath = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16'];
const mappingNamed = (world: World, name: string, tree?: 'running' | 'saved') =>
  configAt(world.router, [...subnetPath, 'static-mapping', name], tree);

/** A reboot that falls between two probes of a busy machine is seen by the next look. */
const noticing = { probeEveryMs: 50, driftEveryMs: 300 } as const;

/** A change of VM `n` with some of its mapping given. */
const withMapping = (n: number, mapping: Partial<ReturnType<typeof fragmentFor>['mapping']>): RouterChange => {
  const desired = fragmentFor(n);
  return changeFor(n, { desired: { ...desired, mapping: { ...desired.mapping, ...mapping } } });
};

const allSaved = (world: World) =>
  eventually(() => JSON.stringify(world.router.config('saved')) === JSON.stringify(world.router.config()));

const version = (world: World) => world.statuses.findLast((one) => one.version !== '')?.version;

const driftedGauge = async (world: World) =>
  (await world.metrics.getSingleMetricAsString('berth_driver_drifted_resources')).match(/\} (\d+)/)?.[1];

for (const profile of profiles) {
  test(`${profile}: VMs come and go with what this version writes, and nothing of others is touched`, async (t) => {
    const world = await driverWorld(t, { simulator: { profile } });
    await world.start();
    await world.send(...vmIds(1, 4).map((_, at) => changeFor(at + 1)));
    assert.ok((await world.verdicts(...vmIds(1, 4))).every(isApplied));
    const leaf = profile.startsWith('1.5') ? 'mac' : 'mac-address';
    assert.equal(Reflect.get(Object(mappingOf(world.router, 1)), leaf), '52:54:00:10:00:01');
    const inbound = Reflect.get(Object(ruleOf(world.router, 1)), 'inbound-interface');
    assert.deepEqual(inbound, profile === '1.3' ? 'eth0' : { name: 'eth0' });
    await allSaved(world);
    await world.send(...[1, 2, 3, 4].map((n) => changeFor(n, { number: 2n, desired: undefined })));
    await eventually(() => [1, 2, 3, 4].every((n) => ruleOf(world.router, n) === undefined));
    await allSaved(world);
    await assertForeignUntouched(world.router, profile);
    assert.equal(world.router.counters().max_in_flight, 1);
  });

  test(`${profile}: the one that the router refuses is found, and told what there is to tell`, async (t) => {
    const world = await driverWorld(t, { simulator: { profile } });
    await world.start();
    await world.send(...[1, 2, 3, 4].map((n) => changeFor(n)), withMapping(5, { ipAddress: '10.99.0.1' }));
    const settled = await world.verdicts(...vmIds(1, 5));
    assert.deepEqual(
      settled.map((one) => isApplied(one)),
      [true, true, true, true, false],
    );
    const [refused] = settled.slice(-1);
    assert.equal(refused?.code, 'ROUTER_REFUSED');
    if (profile === '1.4')
      assert.match(refused?.message ?? '', /failed\nCommit failed\nVyOS 1\.4 does not tell why\.$/);
    else assert.match(refused?.message ?? '', /not within/);
    assert.equal(ruleOf(world.router, 5), undefined);
    await allSaved(world);
  });

  test(`${profile}: an answer that is lost, an API that is down and a reboot lose nothing`, async (t) => {
    const world = await driverWorld(t, { simulator: { profile } });
    await world.start();
    world.router.addFault({ kind: 'drop_connection', times: 1 });
    await world.send(changeFor(1));
    assert.ok((await world.verdicts('vm-1')).every(isApplied));
    world.router.addFault({ kind: 'bad_gateway', endpoint: 'any', times: 3 }); // a 200 with an error on 1.3
    await world.send(changeFor(2));
    assert.ok((await world.verdicts('vm-2')).every(isApplied));
    await allSaved(world);
    await world.send(changeFor(3));
    await world.router.reboot({ downMs: 100 });
    assert.ok((await world.verdicts('vm-3')).every(isApplied));
    await eventually(() => [1, 2, 3].every((n) => ruleOf(world.router, n) !== undefined));
    await allSaved(world);
    assert.equal(world.router.counters().max_in_flight, 1);
  });

  test(`${profile}: a mapping into a subnet that is not there is refused before anything is sent`, async (t) => {
    const world = await driverWorld(t, { simulator: { profile } });
    await world.start();
    await world.send(withMapping(1, { subnet: '10.99.0.0/24', ipAddress: '10.99.0.9' }));
    const [settled] = await world.verdicts('vm-1');
    assert.equal(settled?.code, 'CHANGE_INVALID');
    assert.match(settled?.message ?? '', /no DHCP subnet 10\.99\.0\.0\/24/);
    assert.equal(world.router.counters().commits, 0);
    await assertForeignUntouched(world.router, profile);
  });

  test(`${profile}: a mapping name with an underscore is written where the version takes it`, async (t) => {
    const world = await driverWorld(t, { simulator: { profile } });
    await world.start();
    await world.send(withMapping(1, { name: 'vm_1' }));
    const [settled] = await world.verdicts('vm-1');
    if (!profile.startsWith('1.5')) {
      assert.ok(settled && isApplied(settled));
      return assert.ok(mappingNamed(world, 'vm_1'));
    }
    assert.equal(settled?.code, 'CHANGE_INVALID');
    assert.match(settled?.message ?? '', /vm_1 is none that VyOS 1\.5 takes/);
    assert.equal(world.router.counters().commits, 0);
  });
}

const upgrades: readonly (readonly [ProfileName, ProfileName])[] = [
  ['1.3', '1.4'],
  ['1.4', '1.5-2024'],
  ['1.3', '1.5-2026'],
  ['1.4', '1.5-2025'],
];
for (const [from, to] of upgrades) {
  test(`an upgrade from ${from} to ${to} is noticed; what it rewrote is no drift, and what it renamed stays ours`, async (t) => {
    const world = await driverWorld(t, { simulator: { profile: from }, times: noticing });
    await world.start();
    await world.send(changeFor(1), changeFor(2), withMapping(3, { name: 'vm_3' }));
    assert.ok((await world.verdicts(...vmIds(1, 3))).every(isApplied));
    await allSaved(world);
    const before = await eventually(() => version(world));
    const { commits } = world.router.counters();
    await world.router.reboot({ downMs: 200, profile: to });
    await eventually(() => version(world) !== before);
    assert.equal(await driftedGauge(world), '0');
    const kinds = await eventually(async () => {
      const rows = await world.query<{ kind: string }>('SELECT kind FROM history_commits ORDER BY number');
      return rows.at(-1)?.kind === 'upgrade' && rows.map(({ kind }) => kind);
    });
    assert.ok(!kinds.some((kind) => kind === 'drift' || kind === 'foreign'), 'nobody edited anything');
    const renamed = to.startsWith('1.5') ? 'vm-3' : 'vm_3';
    assert.ok(mappingNamed(world, renamed));
    const paths = await world.query<{ path: string }>(
      `SELECT path FROM owned_paths WHERE resource_id = 'vm-3' AND path LIKE 'service%' AND released_at IS NULL`,
    );
    assert.deepEqual(
      paths.map(({ path }) => path.split('\n').at(-1)),
      [renamed],
    );

    // Work goes on as if nothing had been: another VM, another forward of the renamed one, and its end.
    await world.send(changeFor(4));
    assert.ok((await world.verdicts('vm-4')).every(isApplied));
    assert.equal(world.router.counters().commits, commits + 1);
    const { mapping } = fragmentFor(3);
    await world.send(changeFor(3, { number: 2n, desired: { mapping: { ...mapping, name: 'vm_3' }, rules: [] } }));
    await eventually(() => ruleOf(world.router, 3) === undefined);
    assert.ok(mappingNamed(world, renamed));
    await world.send(...[1, 2, 3, 4].map((n) => changeFor(n, { number: 3n, desired: undefined })));
    await eventually(() => mappingNamed(world, renamed) === undefined && ruleOf(world.router, 1) === undefined);
    await allSaved(world);
    await assertForeignUntouchedBeside(world, to);
  });
}

/** After an upgrade others' lines are as the migration left them; ours are gone. */
async function assertForeignUntouchedBeside(world: World, profile: ProfileName): Promise<void> {
  const rules = Object.keys(Object(configAt(world.router, ['nat', 'destination', 'rule'])));
  assert.deepEqual(rules, ['5']);
  assert.deepEqual(
    Object.keys(Object(configAt(world.router, [...subnetPath, 'static-mapping']))),
    ['printer'],
    profile,
  );
}

test('an upgrade in a moment in which nobody looked is noticed by what is read', async (t) => {
  const world = await driverWorld(t, {
    simulator: { profile: '1.4' },
    times: { probeEveryMs: 60_000, driftEveryMs: 200 },
  });
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await allSaved(world);
  await world.router.reboot({ downMs: 0, profile: '1.5-2024' });
  await eventually(() => version(world)?.startsWith('1.5'));
  assert.equal(await driftedGauge(world), '0');
  assert.ok(!world.states().includes(RouterState.UNREACHABLE));
});

test('a change that was planned for the version before is refused to nobody: it is planned anew', async (t) => {
  const world = await driverWorld(t, {
    simulator: { profile: '1.4' },
    times: { probeEveryMs: 60_000, driftEveryMs: 60_000, inventoryMaxAgeMs: 600_000 },
  });
  const upgrade = { done: false };
  const beforeSend = async () => {
    if (upgrade.done) return;
    upgrade.done = true;
    await world.router.reboot({ downMs: 0, profile: '1.5-2024' });
    // Until an answer is here, the driver has seen its old connection end too: its request arrives.
    const { host, port, key, fingerprint } = world.config.router;
    const client = new RouterClient({ host, port, key, fingerprint });
    t.after(() => client.close());
    await eventually(() => client.version({ timeoutMs: 5_000, mayStillSend: () => true }));
  };
  await world.start({}, { beforeSend });
  await world.send(changeFor(1), changeFor(2));
  assert.ok((await world.verdicts('vm-1', 'vm-2')).every(isApplied));
  assert.ok(version(world)?.startsWith('1.5'));
  const outcomes = await world.query<{ outcome: string }>('SELECT outcome FROM batches ORDER BY sent_at');
  assert.match(outcomes[0]?.outcome ?? '', /is not valid/);
});

test('what a reboot into the new version brings back of a removed VM is ours still, and removed again', async (t) => {
  const world = await driverWorld(t, { simulator: { profile: '1.4' }, times: noticing });
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await allSaved(world);
  world.router.addFault({ kind: 'bad_gateway', endpoint: '/config-file' }); // nothing is saved from here on
  await world.send(changeFor(1, { number: 2n, desired: undefined }));
  await eventually(() => mappingOf(world.router, 1) === undefined);
  await world.router.reboot({ downMs: 100, profile: '1.5-2024' });
  world.router.clearFaults();
  assert.ok(mappingOf(world.router, 1));
  await eventually(() => mappingOf(world.router, 1) === undefined && ruleOf(world.router, 1) === undefined);
  await allSaved(world);
});

test('two mappings that an upgrade gives one name end in no fight: one is left out, and the router goes on', async (t) => {
  const world = await driverWorld(t, { simulator: { profile: '1.4' }, times: noticing });
  await world.start();
  await world.send(withMapping(1, { name: 'vm_x' }), withMapping(2, { name: 'vm-x' }));
  assert.ok((await world.verdicts('vm-1', 'vm-2')).every(isApplied));
  await allSaved(world);
  await world.router.reboot({ downMs: 100, profile: '1.5-2024' });
  await eventually(() => version(world)?.startsWith('1.5'));
  const repairsRefused = () => world.metrics.getSingleMetricAsString('berth_driver_repairs_refused_total');
  await eventually(async () => /\} [1-9]/.test(await repairsRefused()));
  await world.send(changeFor(3));
  assert.ok((await world.verdicts('vm-3')).every(isApplied));
});

test('an open batch of the version before is settled in the new one: what landed is applied, and stays ours', async (t) => {
  const world = await driverWorld(t, { simulator: { profile: '1.3' }, times: noticing });
  await world.start();
  world.router.addFault({ kind: 'drop_connection', times: 1 });
  for (let nth = 2; nth < 200; nth++) world.router.addFault({ kind: 'bad_gateway', endpoint: '/configure', nth });
  await world.send(withMapping(1, { name: 'vm_1' }));
  await eventually(() => mappingNamed(world, 'vm_1'));
  await world.router.person({ commands: [], save: true });
  await world.router.reboot({ downMs: 100, profile: '1.5-2024' });
  world.router.clearFaults();
  assert.ok((await world.verdicts('vm-1')).every(isApplied));
  assert.ok(mappingNamed(world, 'vm-1'));
  await world.send(changeFor(1, { number: 2n, desired: undefined }));
  await eventually(() => mappingNamed(world, 'vm-1') === undefined && ruleOf(world.router, 1) === undefined);
});

test('where overlapping writes freeze the API, nothing is written before a commit that was cut off must be over', async (t) => {
  const world = await driverWorld(t, {
    simulator: { profile: '1.5-2025', latency: { commitMs: 5_500 } },
    times: { writeTimeoutMs: 100 },
  });
  await world.start();
  world.router.addFault({ kind: 'freeze' });
  await world.send(changeFor(1));
  assert.ok((await world.verdicts('vm-1')).every(isApplied));
  const [batch] = await world.query<{ state: string }>('SELECT state FROM batches');
  assert.equal(batch?.state, 'settled_by_read');
  assert.equal(world.router.counters().configures_overlapped, 0);
});
