import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterState } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import {
  assertForeignUntouched,
  driverWorld,
  isApplied,
  listRouters,
  mappingOf,
  ruleOf,
  vmIds,
} from '../support/driver-world.ts';

test('a change lands on the router, is saved, and is told', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.notEqual(settled.batchId, '');
  assert.deepEqual(mappingOf(world.router, 1), { 'ip-address': '10.10.1.2', mac: '52:54:00:10:00:01' });
  assert.deepEqual(ruleOf(world.router, 1), {
    description: 'vm-1 0',
    destination: { address: '192.0.2.1', port: '20010' },
    'inbound-interface': { name: 'eth0' },
    protocol: 'tcp',
    translation: { address: '10.10.1.2', port: '22' },
  });
  await eventually(() => world.router.counters().saves === 1);
  assert.deepEqual(world.router.config('saved'), world.router.config('running'));
  await assertForeignUntouched(world.router);
  const [batch] = await world.query<{ state: string; causes: unknown }>(
    'SELECT state, causes FROM batches JOIN batch_changes ON batch_id = id',
  );
  assert.equal(batch?.state, 'applied');
  assert.match(JSON.stringify(batch?.causes), /request-1/);
});

test('the good path reads nothing from the router: one commit and one save per batch', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await eventually(() => world.router.counters().saves === 1);
  const before = world.router.counters();
  await world.send(changeFor(2));
  await world.verdicts('vm-2');
  await eventually(() => world.router.counters().saves === 2);
  assert.equal(world.router.counters().requests - before.requests, 2);
});

test('fifty changes that come together share a few commits', async (t) => {
  const world = await driverWorld(t, { simulator: { latency: { commitMs: 100 } } });
  await world.start();
  await world.send(...vmIds(1, 50).map((_, at) => changeFor(at + 1, { ownerGroup: `group-${at % 3}` })));
  const verdicts = await world.verdicts(...vmIds(1, 50));
  assert.ok(verdicts.every(isApplied));
  assert.ok(world.router.counters().commits <= 3, `${world.router.counters().commits} commits`);
  await eventually(() => assert.deepEqual(world.router.config('saved'), world.router.config('running')) ?? true);
  await assertForeignUntouched(world.router);
});

test('a removal takes everything of the VM from the router, and what was never there is removed without asking it', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await world.send(changeFor(1, { number: 2n, desired: undefined }));
  await eventually(() => world.settled.length === 2);
  assert.equal(ruleOf(world.router, 1), undefined);
  assert.equal(mappingOf(world.router, 1), undefined);
  await eventually(async () => (await world.query('SELECT * FROM owned_paths')).length === 0);
  assert.equal(world.router.counters().saves, 2);
  const { requests } = world.router.counters();
  await world.send(changeFor(9, { desired: undefined }));
  const [never] = await world.verdicts('vm-9');
  assert.ok(never && isApplied(never));
  assert.equal(never.batchId, '');
  assert.equal(world.router.counters().requests, requests);
  await assertForeignUntouched(world.router);
});

test('the same change again, and an older one, are answered from the verdict and ask nothing of the router', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const change = changeFor(1, { number: 2n });
  await world.send(change);
  await world.verdicts('vm-1');
  await eventually(() => world.router.counters().saves === 1);
  const { requests } = world.router.counters();
  await world.send(change, changeFor(1, { number: 1n, desired: undefined }));
  await eventually(() => world.settled.length >= 2);
  assert.ok(world.settled.every((one) => one.revision?.number === 2n && isApplied(one)));
  assert.equal(world.router.counters().requests, requests);
  assert.notEqual(ruleOf(world.router, 1), undefined);
});

test('only what differs is sent when a VM changes', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const disabled = fragmentFor(1);
  await world.send(
    changeFor(1, {
      number: 2n,
      desired: { ...disabled, rules: disabled.rules.map((rule) => ({ ...rule, disabled: true })) },
    }),
  );
  await eventually(() => world.settled.length === 2);
  const rows = await world.query<{ operations: unknown }>(
    'SELECT operations FROM batches ORDER BY sent_at DESC LIMIT 1',
  );
  assert.deepEqual(rows[0]?.operations, [['set', 'nat', 'destination', 'rule', '10010', 'disable']]);
});

test('what others hold is stored, listed page by page, and told with the profile', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const status = await eventually(() => world.statuses.find((one) => one.state === RouterState.OK));
  assert.equal(status.profile?.wanInterface, 'eth0');
  assert.equal(status.profile?.externalIp, '192.0.2.1');
  assert.deepEqual(
    status.profile?.subnets.map((one) => [one.network, one.subnet, one.subnetId, one.nameServers, one.leaseSeconds]),
    [['LAN', '10.10.0.0/16', 1, ['10.10.0.1'], 86_400]],
  );
  assert.deepEqual(
    status.profile?.interfaces.map((one) => [one.name, one.addresses, one.dynamic]),
    [
      ['eth0', ['192.0.2.1'], false],
      ['eth1', ['10.10.0.1'], false],
    ],
  );
  assert.equal(status.inventory, 1n);
  const [listed] = await listRouters(world.bus);
  assert.deepEqual([listed?.router, listed?.state, listed?.inventory], ['default', RouterState.OK, 1n]);
  const rows = await world.query<{ holding: { kind: string; value: string } }>('SELECT holding FROM foreign_holdings');
  assert.ok(rows.some(({ holding }) => holding.kind === 'mac' && holding.value === '52:54:00:ff:00:09'));
});

test('a subnet, an address and a name server that a person adds are told; the place for VMs stays', async (t) => {
  const world = await driverWorld(t, { times: { driftEveryMs: 50 } });
  await world.start();
  await eventually(() => world.statuses.find((one) => one.state === RouterState.OK));
  const lab = 'set service dhcp-server shared-network-name LAB subnet 10.20.0.0/24';
  await world.router.person({
    commands: [
      'set interfaces ethernet eth0 address 192.0.2.2/24',
      'set interfaces ethernet eth2 address 10.20.0.1/24',
      `${lab} subnet-id 2`,
      `${lab} range 0 start 10.20.0.200`,
      `${lab} range 0 stop 10.20.0.210`,
    ],
  });
  const told = () => world.statuses.at(-1)?.profile;
  await eventually(() => told()?.subnets.length === 2 && told()?.interfaces.length === 3);
  assert.deepEqual(told()?.subnets[0]?.network, 'LAB');
  assert.deepEqual(told()?.interfaces[0]?.addresses, ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual([told()?.dhcpNetwork, told()?.externalIp], ['LAN', '192.0.2.1']);
  await world.router.person({ commands: [`${lab} option name-server 10.20.0.2`] }); // no part of the inventory
  await eventually(() => told()?.subnets[0]?.nameServers[0] === '10.20.0.2');
});
