import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { BulkMode, PlanState, RouterState, RouterUseService } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { profile } from '../support/driver-side.ts';
import { PlanSide } from '../support/plan-side.ts';
import { addPool } from '../support/with-pools.ts';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

const poolNames = async (world: World) =>
  (await world.query<{ kind: string; name: string }>('SELECT kind, name FROM pools ORDER BY kind, name')).map(
    ({ kind, name }) => `${kind}/${name}`,
  );
const ofSettings = ['ip-pools/default', 'port-pools/default', 'rule-pools/default'];
const unknown = { kind: 'invalid', code: 'UNKNOWN_ROUTER' };
const removed = { state: RouterState.REMOVED, profile: undefined };

/** Removed routers are unknown, unless the settings say that one will come: these have another default. */
const elsewhere = { config: { defaultRouter: 'elsewhere' } };

test('a removed router is unknown, the pools of the settings vanish with it, and an old report does not bring it back', async (t) => {
  const world = await makeWorld(t, elsewhere);
  assert.deepEqual(await poolNames(world), ofSettings);
  await world.driver.report({ ...removed, epoch: 5n });
  await eventually(async () => (await poolNames(world)).length === 0);
  await assert.rejects(world.provision({ vmName: 'vm', router: 'default' }), unknown);
  await world.driver.report({ epoch: 4n, sequence: 99n });
  await world.driver.report({ ...removed, epoch: 5n, reason: 'seen' });
  await eventually(async () => (await world.query(`SELECT FROM routers WHERE reason = 'seen'`)).length === 1);
  await assert.rejects(world.provision({ vmName: 'vm', router: 'default' }), unknown);
  assert.deepEqual(await world.query('SELECT FROM foreign_holdings'), []);
});

test('a router that is added under a name that was used before gets its pools again', async (t) => {
  const world = await makeWorld(t, elsewhere);
  await world.driver.report({ ...removed, epoch: 5n });
  await eventually(async () => (await poolNames(world)).length === 0);
  await world.driver.report({ epoch: 6n });
  await eventually(async () => (await poolNames(world)).length === 3);
  await eventually(async () => {
    const [row] = await world.query<{ loaded: boolean }>('SELECT inventory_loaded = inventory AS loaded FROM routers');
    return row?.loaded;
  });
  const { vmId } = await world.provision({ vmName: 'vm', router: 'default' });
  assert.ok((await world.driver.change(vmId)).desired?.mapping);
});

test('a provision that was accepted while its router was removed fails, and its values are free', async (t) => {
  const world = await makeWorld(t, elsewhere);
  const { vmId } = await world.provision({ vmName: 'vm', router: 'default' });
  await world.driver.report({ ...removed, epoch: 5n });
  await eventually(async () => (await world.query(`SELECT FROM routers WHERE state = 'removed'`)).length === 1);
  await world.driver.settle(vmId, { applied: false, code: 'ROUTER_UNKNOWN', message: 'No router.' });
  await eventually(async () => (await world.query(`SELECT FROM operations WHERE state = 'failed'`)).length === 1);
  assert.deepEqual(await world.query(`SELECT FROM allocations WHERE kind = 'vm'`), []);
});

test('a disabled router takes what may wait, and nothing else', async (t) => {
  const world = await makeWorld(t);
  await world.driver.report({ state: RouterState.DISABLED });
  await world.routerReady();
  await assert.rejects(world.provision({ vmName: 'vm' }), {
    kind: 'unavailable',
    code: 'ROUTER_DISABLED',
    message: /is disabled: enable it, or send "Prefer: respond-async"/,
  });
  await world.provision({ vmName: 'vm' }, { mayWait: true });
});

test('what keeps a router is told: VMs, pools that people made, reservations', async (t) => {
  const world = await makeWorld(t);
  const ask = (principal = aPrincipal({ permissions: ['routers:admin'] })) =>
    request(world.bus, RouterUseService.method.getRouterUse, { principal, router: 'default' }, { timeoutMs: 20_000 });
  const { vms, pools, reservations } = await ask();
  assert.deepEqual([vms, pools, reservations], [0, [], 0]);
  await world.provision({ vmName: 'vm' });
  await addPool(world, {
    kind: 'port-pools',
    name: 'edge',
    externalIp: '',
    interface: '',
    ranges: [{ first: 34_000, last: 34_009 }],
    denied: [],
    protocols: ['tcp'],
  });
  const used = await ask();
  assert.deepEqual([used.vms, used.pools, used.reservations], [1, ['port-pools/edge'], 0]);
  await assert.rejects(ask(aPrincipal({ permissions: ['vms:read'] })), { code: 'PERMISSION_DENIED' });
});

test('plans of a removed router hold nothing any more, there and elsewhere, and its pools vanish', async (t) => {
  const world = await makeWorld(t, elsewhere);
  await world.driver.report({ router: 'other', profile: { ...profile, externalIp: '203.0.113.9' } });
  await eventually(
    async () =>
      (await world.query("SELECT FROM routers WHERE name = 'other' AND inventory_loaded = inventory")).length > 0,
    { what: 'the other router' },
  );
  const side = new PlanSide(world);
  const provision = (vmName: string, router: string) =>
    side.create({ case: 'provision', value: { vmId: randomUUID(), vmName, router } });
  const item = (vmName: string, router: string) => ({
    item: { case: 'provision' as const, value: { vmId: '', vmName, router } },
  });
  const alone = await provision('a', 'default');
  const items = [item('b', 'default'), item('c', 'other')];
  const both = await side.create({ case: 'bulk', value: { mode: BulkMode.ATOMIC, items } });
  const kept = await provision('d', 'other');
  await world.driver.report({ ...removed, epoch: 5n });
  const pools = () => world.query("SELECT FROM pools WHERE router = 'default'");
  await eventually(async () => (await pools()).length === 0, { what: 'the end of its pools' });
  const states = await Promise.all([alone, both, kept].map(async ({ id }) => (await side.get(id)).state));
  assert.deepEqual(states, [PlanState.OUTDATED, PlanState.OUTDATED, PlanState.OPEN]);
  assert.deepEqual(await side.held(), { values: 5, names: 3 });
  assert.equal((await provision('c', 'other')).vms[0]?.vmName, 'c');
});

test('pools of a removed router’s settings vanish once nothing is held of them any more', async (t) => {
  const world = await makeWorld(t, elsewhere);
  const { vmId } = await world.provision({ vmName: 'vm', router: 'default' });
  await world.driver.report({ ...removed, epoch: 5n });
  await eventually(async () => (await world.query(`SELECT FROM routers WHERE state = 'removed'`)).length === 1);
  assert.deepEqual(await poolNames(world), ofSettings);
  await world.driver.settle(vmId, { applied: false, code: 'ROUTER_UNKNOWN', message: 'No router.' });
  await eventually(async () => (await poolNames(world)).length === 0, { what: 'the end of its pools' });
});
