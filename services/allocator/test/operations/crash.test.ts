import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OperationEnded, OperationEndedSchema, OperationState, subjects } from '@berth/contracts';
import { listen } from '@berth/messaging';
import { eventually, faultProxy, ownPostgres, testNats } from '@berth/testing';
import { makeWorld } from '../support/world.ts';

test('a change that was accepted while the bus was away leaves when it is back', async (t) => {
  const { url } = await testNats();
  const server = new URL(url);
  const proxy = await faultProxy(t, { host: server.hostname, port: Number(server.port || 4222) });
  const natsUrl = Object.assign(new URL(url), { host: `127.0.0.1:${proxy.port}` }).href;
  const world = await makeWorld(t, { config: { natsUrl } });
  // The request gets through; from the moment of its acceptance nothing does.
  const operationId = '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a11';
  void world.provision({ vmName: 'vm' }, { operationId }).catch(() => {}); // its answer is lost
  await eventually(async () => (await world.query('SELECT FROM operations')).length === 1, { everyMs: 1 });
  proxy.resetAll();
  proxy.stall();
  await eventually(async () => (await world.query('SELECT FROM operations')).length === 1);
  proxy.resume();
  const operation = await eventually(() => world.operation(operationId));
  assert.ok((await world.driver.change(operation.vmId)).desired);
});

test('what a crash left between commit and publishing is sent by another replica', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'vm' });
  await world.driver.change(operation.vmId);
  world.driver.changes.length = 0;
  // As if the process had died after its commit: the row is there, and nobody has published it.
  await world.query(
    "UPDATE outbox SET published_at = NULL, id = gen_random_uuid(), created_at = now() - interval '1 minute'",
  );
  assert.ok(await world.driver.change(operation.vmId));
});

test('commands that the database’s crash interrupted are accepted once when it is back', async (t) => {
  const postgres = await ownPostgres(t, { durable: true });
  const world = await makeWorld(t, { databaseUrl: postgres.url });
  const asked = Array.from({ length: 20 }, (_, index) => world.provision({ vmName: `vm-${index}` }));
  await postgres.kill();
  await postgres.start();
  const operations = await Promise.all(asked);
  const rows = await eventually(() => world.query<{ id: string }>('SELECT id FROM operations'));
  assert.deepEqual(new Set(rows.map(({ id }) => id)), new Set(operations.map(({ id }) => id)));
  const changes = await Promise.all(operations.map(({ vmId }) => world.driver.change(vmId)));
  assert.equal(new Set(changes.map(({ desired }) => desired?.mapping?.ipAddress)).size, 20);
});

test('a verdict that arrives while no allocator runs is settled by the next one', async (t) => {
  const world = await makeWorld(t, { replicas: 0, routerKnown: false });
  const first = await world.startReplica();
  await world.driver.report({});
  await world.routerReady();
  const operation = await world.provision({ vmName: 'vm' });
  await world.driver.change(operation.vmId);
  await first.stop();
  const heard: OperationEnded[] = [];
  t.after(listen(world.bus, subjects.anyOperationEnded, OperationEndedSchema, (event) => void heard.push(event)));
  await world.driver.settle(operation.vmId, { applied: true });
  await world.startReplica();
  await eventually(() => heard.length === 1);
  assert.equal((await world.ended(operation)).state, OperationState.SUCCEEDED);
});
