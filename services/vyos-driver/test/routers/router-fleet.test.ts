import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterState } from '@berth/contracts';
import { eventually, faultProxy } from '@berth/testing';
import { Registry } from 'prom-client';
import { changeFor } from '../support/changes.ts';
import { driverWorld, isApplied, mappingOf } from '../support/driver-world.ts';
import { anotherRouter, masterKey, routerSide, settingsOf } from '../support/router-side.ts';

const shortLease = { leaseTtlMs: 1_000, leaseMarginMs: 200, pollMs: 50 };

test('several replicas share the routers, and take over those of one that is gone', async (t) => {
  const world = await driverWorld(t);
  const encryptionKeys = [masterKey()];
  const drivers = [await world.start({ encryptionKeys })];
  const side = routerSide(world);
  const [b, c, d] = [await anotherRouter(t), await anotherRouter(t), await anotherRouter(t)];
  for (const [name, router] of Object.entries({ b, c, d })) await side.add({ name, settings: settingsOf(router) });
  const holders = async () => {
    const rows = await world.query<{ lease_holder: string | null }>('SELECT lease_holder FROM routers ORDER BY name');
    return rows.map((row) => row.lease_holder);
  };
  await eventually(async () => (await holders()).every((holder) => holder !== null));
  const alone = new Set(await holders());
  drivers.push(await world.start({ encryptionKeys, startLookMs: 0 }));
  // Each worker has a name of its own: those of the second replica are new.
  await eventually(async () => {
    const now = await holders();
    const kept = now.filter((holder) => alone.has(holder)).length;
    return now.every((holder) => holder !== null) && kept === 2;
  });
  await drivers[0]?.stop();
  await world.send(...['b', 'c', 'd', 'default'].map((router, at) => changeFor(at + 1, { router })));
  const verdicts = await world.verdicts('vm-1', 'vm-2', 'vm-3', 'vm-4');
  assert.ok(verdicts.every(isApplied));
  for (const router of [world.router, b, c, d]) assert.equal(router.counters().max_in_flight, 1);
});

test('what one replica is told, all do: a router is worked by those who were not asked, and never by two', async (t) => {
  const world = await driverWorld(t);
  const encryptionKeys = [masterKey()];
  await Promise.all([world.start({ encryptionKeys }), world.start({ encryptionKeys })]);
  const edge = await anotherRouter(t, { latency: { commitMs: 20, existsMs: 5 } });
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  await side.inState('edge', RouterState.OK);
  for (let n = 1; n <= 6; n++) {
    await world.send(changeFor(n, { router: 'edge' }));
    await side.update({ router: 'edge', wanInterface: n % 2 === 0 ? '' : 'eth0' });
  }
  const verdicts = await world.verdicts('vm-1', 'vm-2', 'vm-3', 'vm-4', 'vm-5', 'vm-6');
  assert.ok(verdicts.every(isApplied));
  assert.equal(edge.counters().max_in_flight, 1);
});

test('a holder of an added router that stalls before its request sends nothing after its lease is over', async (t) => {
  const world = await driverWorld(t, { times: shortLease });
  const encryptionKeys = [masterKey()];
  const edge = await anotherRouter(t);
  const database = new URL(world.databaseUrl);
  const proxy = await faultProxy(t, { host: database.hostname, port: Number(database.port) });
  const throughProxy = new URL(world.databaseUrl);
  throughProxy.hostname = '127.0.0.1';
  throughProxy.port = String(proxy.port);
  const reached = Promise.withResolvers<void>();
  const paused = Promise.withResolvers<void>();
  const beforeSend = () => {
    reached.resolve();
    return paused.promise;
  };
  await world.start({ databaseUrl: throughProxy.href, encryptionKeys }, { beforeSend });
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  await side.inState('edge', RouterState.OK);
  await world.send(changeFor(1, { router: 'edge' }));
  await reached.promise;
  proxy.stall();
  await world.start({ startLookMs: 0, encryptionKeys });
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  paused.resolve();
  proxy.resume();
  await world.send(changeFor(2, { router: 'edge' }));
  await world.verdicts('vm-2');
  assert.equal(edge.counters().commits, 2, 'one commit for each change');
  assert.equal(edge.counters().max_in_flight, 1);
});

test('a new master key seals everything again at the start; the old one is not needed any more', async (t) => {
  const world = await driverWorld(t);
  const [old, fresh] = [masterKey('old'), masterKey('fresh')];
  const first = await world.start({ encryptionKeys: [old] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  const needed = async (metrics: Registry) => {
    const text = await metrics.getSingleMetricAsString('berth_driver_sealed_secrets');
    return text.split('\n').filter((line) => !line.startsWith('#'));
  };
  const line = (key: string, count: number) =>
    `berth_driver_sealed_secrets{master_key="${key}",table="routers"} ${count}`;
  assert.deepEqual(await needed(world.metrics), [line('old', 1)]);
  await first.stop();
  const metrics = new Registry();
  const second = await world.start({ encryptionKeys: [fresh, old] }, { metrics });
  assert.deepEqual(await needed(metrics), [line('fresh', 1), line('old', 0)]);
  const sealed = await world.query(`SELECT sealed_with FROM routers WHERE name = 'edge'`);
  assert.deepEqual(sealed, [{ sealed_with: 'fresh' }]);
  await second.stop();
  await world.start({ encryptionKeys: [fresh] });
  await side.inState('edge', RouterState.OK);
});

test('a wrong master key keeps that router from being worked, and says why; the service and other routers go on', async (t) => {
  const world = await driverWorld(t);
  const first = await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  await side.inState('edge', RouterState.OK);
  await first.stop();
  const requests = edge.counters().requests;
  await world.start({ encryptionKeys: [masterKey()] });
  const { status } = await side.inState('edge', RouterState.UNREACHABLE);
  assert.match(status?.reason ?? '', /master key one/);
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.equal(edge.counters().requests, requests);
  await side.update({ router: 'edge', key: edge.key });
  await side.inState('edge', RouterState.OK);
});

test('an added router whose place is ambiguous says what to choose, and works once that is chosen', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  await edge.person({
    commands: [
      'set service dhcp-server shared-network-name DMZ subnet 10.20.0.0/24 subnet-id 7',
      'set service dhcp-server shared-network-name DMZ subnet 10.20.0.0/24 range 0 start 10.20.0.10',
      'set service dhcp-server shared-network-name DMZ subnet 10.20.0.0/24 range 0 stop 10.20.0.20',
      'set interfaces ethernet eth2 address 10.20.0.1/24',
    ],
  });
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  const { status } = await side.inState('edge', RouterState.UNREACHABLE);
  assert.match(status?.reason ?? '', /Set dhcp_network and dhcp_subnet to one of/);
  await side.update({ router: 'edge', dhcpNetwork: 'LAN', dhcpSubnet: '10.10.0.0/16' });
  await side.inState('edge', RouterState.OK);
  await world.send(changeFor(1, { router: 'edge' }));
  await world.verdicts('vm-1');
  assert.notEqual(mappingOf(edge, 1), undefined);
});

test('a router whose stored host cannot be used is told of; the others are worked, and PATCH mends it', async (t) => {
  const world = await driverWorld(t);
  const encryptionKeys = [masterKey()];
  const first = await world.start({ encryptionKeys });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: { ...settingsOf(edge), host: 'localhost' }, disabled: true });
  await first.stop();
  await world.query(`UPDATE routers SET host = '127.0.0.1:1', enabled = true WHERE name = 'edge'`);
  await world.start({ encryptionKeys });
  const { status } = await side.inState('edge', RouterState.UNREACHABLE);
  assert.match(status?.reason ?? '', /cannot be worked with its settings/);
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  await side.update({ router: 'edge', host: '127.0.0.1', key: edge.key });
  await side.inState('edge', RouterState.OK);
});
