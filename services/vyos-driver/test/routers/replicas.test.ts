import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, faultProxy, ownPostgres } from '@berth/testing';
import { changeFor } from '../support/changes.ts';
import { driverProcess } from '../support/driver-process.ts';
import { driverWorld, isApplied, ruleOf, vmIds, type World } from '../support/driver-world.ts';

const shortLease = { leaseTtlMs: 1_000, leaseMarginMs: 200, pollMs: 50 };

const commitInFlight = (world: World) =>
  eventually(() => world.router.log().some((one) => one.path === '/configure' && one.ended_ms === null));

test('a commit whose driver was killed is settled by the next one: barrier first, then reading, nothing sent twice', async (t) => {
  const world = await driverWorld(t, { times: shortLease });
  const child = driverProcess(t, world, { BERTH_DRIVER_LEASE_TTL_MS: '1000', BERTH_DRIVER_LEASE_MARGIN_MS: '200' });
  await once(child, 'message');
  world.router.setLatency({ commitMs: 2_000 });
  await world.send(...vmIds(1, 5).map((_, at) => changeFor(at + 1)));
  await commitInFlight(world);
  child.kill('SIGKILL');
  await world.start({ startLookMs: 0 });
  const verdicts = await world.verdicts(...vmIds(1, 5));
  assert.ok(verdicts.every(isApplied));
  assert.equal(world.router.counters().empty_configures, 1);
  const log = world.router.log();
  const configures = log.flatMap((one, at) => (one.path === '/configure' ? [at] : []));
  const [sentAt = 0, barrierAt = 0] = configures;
  const [sent, barrier, next] = [log[sentAt], log[barrierAt], log[barrierAt + 1]];
  assert.equal(barrierAt, sentAt + 1, 'the barrier came first');
  assert.ok(Number(barrier?.ended_ms) - Number(sent?.started_ms) >= 1_900, 'it waited for the commit');
  assert.ok(Number(next?.started_ms) >= Number(barrier?.ended_ms), 'and the reading for it');
  const resources = await world.query<{ state: string; count: number }>(
    'SELECT state, count(*)::integer FROM batches JOIN batch_changes ON batch_id = id GROUP BY state',
  );
  assert.equal(
    resources.reduce((sum, { count }) => sum + count, 0),
    5,
    'each change was sent once',
  );
  assert.equal(world.settled.length, 5);
});

test('a driver that is stopped gives its router away at once, and what comes then is applied by the other', async (t) => {
  const world = await driverWorld(t);
  const first = await world.start();
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await first.stop();
  await world.send(changeFor(2));
  const [settled] = await world.verdicts('vm-2');
  assert.ok(settled && isApplied(settled));
  const [router] = await world.query<{ lease_epoch: string }>('SELECT lease_epoch FROM routers');
  assert.equal(Number(router?.lease_epoch), 2);
});

test('two drivers at work never have two requests on the router at once', async (t) => {
  const world = await driverWorld(t, {
    simulator: { latency: { commitMs: 20, existsMs: 5 } },
    times: { probeEveryMs: 20 },
  });
  await Promise.all([world.start(), world.start()]);
  for (let n = 1; n <= 20; n++) await world.send(changeFor(n));
  const verdicts = await world.verdicts(...vmIds(1, 20));
  assert.ok(verdicts.every(isApplied));
  assert.equal(world.router.counters().max_in_flight, 1);
});

test('a holder that stalls between its write-ahead row and its request sends nothing after its lease is over', async (t) => {
  const world = await driverWorld(t, { times: shortLease });
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
  await world.start({ databaseUrl: throughProxy.href }, { beforeSend });
  await world.send(changeFor(1));
  await reached.promise;
  proxy.stall(); // renewals hang: the lease runs out while the row is written and nothing was sent
  await world.start({ startLookMs: 0 });
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  const { requests, commits } = world.router.counters();
  assert.equal(commits, 1);
  await eventually(() => world.router.counters().saves === 1);
  paused.resolve();
  proxy.resume();
  await world.send(changeFor(2));
  await world.verdicts('vm-2');
  const configures = world.router.log().filter((one) => one.path === '/configure');
  assert.equal(configures.length, 3, 'the barrier, and one commit for each change');
  assert.ok(requests > 0);
  assert.notEqual(ruleOf(world.router, 2), undefined);
});

test('a driver whose database dies while the router commits settles that commit when the database is back', async (t) => {
  const world = await driverWorld(t, { times: shortLease });
  const database = await ownPostgres(t, { durable: true });
  await world.start({ databaseUrl: database.url });
  world.router.setLatency({ commitMs: 500 });
  await world.send(changeFor(1));
  await commitInFlight(world);
  await database.kill();
  await eventually(() => world.router.counters().commits === 1);
  await database.start();
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.equal(world.router.counters().commits, 1, 'nothing was sent twice');
  assert.equal(world.router.counters().empty_configures, 1, 'it was settled by reading');
  assert.equal(world.router.counters().reads_beside_write, 0);
});

test('a stop lets the commit in flight end and settles it', async (t) => {
  const world = await driverWorld(t);
  const driver = await world.start();
  world.router.setLatency({ commitMs: 400 });
  await world.send(changeFor(1));
  await commitInFlight(world);
  await driver.stop();
  const [batch] = await world.query<{ state: string }>('SELECT state FROM batches');
  assert.equal(batch?.state, 'applied');
  const [router] = await world.query('SELECT lease_holder FROM routers');
  assert.deepEqual(router, { lease_holder: null });
});

test('a stop that cannot wait leaves the commit to the next driver, who settles it behind a barrier', async (t) => {
  const world = await driverWorld(t, { times: { stopGraceMs: 50 } });
  const driver = await world.start();
  world.router.setLatency({ commitMs: 1_000 });
  await world.send(changeFor(1));
  await commitInFlight(world);
  await driver.stop();
  await world.start();
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.deepEqual(await world.query('SELECT state FROM batches'), [{ state: 'settled_by_read' }]);
  assert.equal(world.router.counters().empty_configures, 1);
});
