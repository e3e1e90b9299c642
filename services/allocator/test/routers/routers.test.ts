import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterState } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { aPrincipal, makeWorld } from '../support/world.ts';

test('before the router is known nothing is accepted, whoever may wait', async (t) => {
  const world = await makeWorld(t, { routerKnown: false });
  const unavailable = { kind: 'unavailable', code: 'ROUTER_UNAVAILABLE' };
  await assert.rejects(world.provision({ vmName: 'vm' }, { mayWait: true }), unavailable);
  await world.driver.report({ profile: undefined, inventory: 0n });
  await eventually(async () => (await world.query('SELECT FROM routers')).length === 1);
  await assert.rejects(world.provision({ vmName: 'vm' }, { mayWait: true }), unavailable);
  await assert.rejects(world.provision({ vmName: 'vm', router: 'elsewhere' }), {
    kind: 'invalid',
    code: 'UNKNOWN_ROUTER',
  });
  await world.driver.report({});
  await world.routerReady();
  await assert.rejects(world.provision({ vmName: 'vm', pool: 'gold' }), { kind: 'invalid', code: 'UNKNOWN_POOL' });
  await world.provision({ vmName: 'vm', pool: 'default', router: 'default' });
});

test('a router that does not answer, is unclear or blocked is refused with its time, and waited for on request', async (t) => {
  const world = await makeWorld(t);
  const { UNREACHABLE, BREAKER_OPEN, UNKNOWN, BLOCKED } = RouterState;
  for (const state of [UNREACHABLE, BREAKER_OPEN, UNKNOWN, BLOCKED]) {
    await world.driver.report({ state, retryAfterSeconds: state, reason: 'The words of it.' });
    await world.routerReady();
    await assert.rejects(world.provision({ vmName: 'vm' }), {
      kind: 'unavailable',
      code: state === BLOCKED ? 'ROUTER_BLOCKED' : 'ROUTER_UNAVAILABLE',
      message: /^The router default .+ \(The words of it\)\.$/,
      details: { retryAfterSeconds: state },
    });
    await world.provision({ vmName: `waits-${state}` }, { mayWait: true });
  }
  assert.deepEqual(await world.query('SELECT count(*)::int FROM operations'), [{ count: 4 }]);
});

test('reports that are older than the known one change nothing', async (t) => {
  const world = await makeWorld(t);
  await world.driver.report({ epoch: 5n, sequence: 2n });
  await world.driver.report({ epoch: 4n, sequence: 9n, state: RouterState.BLOCKED });
  await world.driver.report({ epoch: 5n, sequence: 1n, state: RouterState.BLOCKED });
  await world.driver.report({ epoch: 5n, sequence: 3n, reason: 'the last' });
  await eventually(async () => (await world.query("SELECT FROM routers WHERE reason = 'the last'")).length === 1);
  await world.provision({ vmName: 'vm' });
});

test('a replica that starts late asks the driver for what it missed', async (t) => {
  const world = await makeWorld(t, { replicas: 0, routerKnown: false });
  await world.driver.report({});
  await world.query('SELECT 1'); // nobody has consumed it yet
  await world.startReplica();
  await world.routerReady();
  await world.provision({ vmName: 'vm' });
});

test('reads need vms:read, commands vms:write, and a group sees its own alone', async (t) => {
  const world = await makeWorld(t);
  const viewer = aPrincipal({ permissions: ['vms:read'] });
  await assert.rejects(world.provision({ vmName: 'vm' }, { principal: viewer }), { kind: 'forbidden' });
  await assert.rejects(world.decommission('vm', { principal: viewer }), { kind: 'forbidden' });
  const blue = aPrincipal({ id: 'blue', group: 'blue' });
  const red = aPrincipal({ id: 'red', group: 'red', permissions: ['*'] });
  const operation = await world.provision({ vmName: 'mine' }, { principal: blue });
  assert.equal(operation.ownerGroup, 'blue');
  assert.equal((await world.vm('mine', blue)).id, operation.vmId);
  assert.equal((await world.vm('mine', viewer)).id, operation.vmId);
  await assert.rejects(world.vm('mine', aPrincipal({ permissions: [] })), { kind: 'forbidden' });
  await assert.rejects(world.vm('mine', red), { kind: 'not_found' });
  await assert.rejects(world.operation(operation.id, red), { kind: 'not_found' });
  await assert.rejects(world.decommission('mine', { principal: red }), { kind: 'not_found' });
  await assert.rejects(world.provision({ vmName: 'x', ownerGroup: 'blue' }, { principal: red }), {
    code: 'OWNER_GROUP_FORBIDDEN',
  });
  await assert.rejects(world.operation('nothing'), { kind: 'not_found' });
});

test('the list of VMs goes page by page in the order of their names, tombstones and other groups left out', async (t) => {
  const world = await makeWorld(t);
  const names = ['delta', 'Alpha', 'charlie', 'Bravo', 'echo'];
  for (const vmName of names) await world.provision({ vmName, ownerGroup: vmName === 'echo' ? 'red' : 'blue' });
  const failed = await world.provision({ vmName: 'foxtrot' });
  await world.driver.settle(failed.vmId, { applied: false });
  await world.ended(failed);
  assert.deepEqual(await world.list(2), [['Alpha', 'Bravo'], ['charlie', 'delta'], ['echo']]);
  assert.deepEqual(await world.list(0, aPrincipal({ group: 'blue' })), [['Alpha', 'Bravo', 'charlie', 'delta']]);
  await assert.rejects(world.list(2, undefined, 'garbage'), { kind: 'invalid', code: 'PAGE_TOKEN_INVALID' });
});
