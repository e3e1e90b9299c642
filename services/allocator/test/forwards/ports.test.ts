import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperationState, PortAction, Protocol, RouterState } from '@berth/contracts';
import { makeWorld } from '../support/world.ts';

test('every action asks the router once for all ports, and a repeat asks nothing', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', noForwards: true });
  let revision = 1n;
  const actions: [PortAction, Record<string, boolean>][] = [
    [PortAction.CREATE, { ssh: true, http: true, https: true }],
    [PortAction.PAUSE, { ssh: false, http: false, https: false }],
    [PortAction.ENABLE, { ssh: true, http: true, https: true }],
    [PortAction.DISABLE, { ssh: false, http: false, https: false }],
    [PortAction.CREATE, { ssh: true, http: true, https: true }],
    [PortAction.DELETE, {}],
  ];
  for (const [action, expected] of actions) {
    revision++;
    const change = await world.changePorts('VM', action);
    assert.equal(change.state, OperationState.RUNNING);
    await world.driver.change(vmId, revision);
    await world.driver.settle(vmId, { applied: true, revision });
    await world.ended(change);
    const repeat = await world.changePorts('vm', action);
    assert.equal(repeat.state, OperationState.SUCCEEDED);
    const { forwards } = await world.vm('vm');
    assert.deepEqual(Object.fromEntries(forwards.map(({ name, enabled }) => [name, enabled])), expected);
  }
  assert.equal(world.driver.newest(vmId)?.revision?.number, revision);
});

test('a deleted port comes back under its number and, within the quarantine, on its external port', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const before = (await world.vm('vm')).forwards.find(({ name }) => name === 'http');
  for (const [revision, action] of [PortAction.DELETE, PortAction.CREATE].entries()) {
    const change = await world.changePorts('vm', action, ['http']);
    await world.driver.change(vmId, BigInt(revision + 2));
    await world.driver.settle(vmId, { applied: true });
    await world.ended(change);
    if (action === PortAction.DELETE) {
      const { vmId: other } = await world.provisioned({ vmName: 'other', forwards: [{ name: 'ssh' }] });
      assert.equal((await world.driver.change(other)).desired?.rules[0]?.destinationPort, '32003');
    }
  }
  assert.deepEqual(
    (await world.vm('vm')).forwards.find(({ name }) => name === 'http'),
    before,
  );
});

test('ports that do not exist, names that nobody knows and VMs that are not there are told apart', async (t) => {
  const world = await makeWorld(t);
  await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  await assert.rejects(world.changePorts('vm', PortAction.ENABLE, ['http']), {
    kind: 'not_found',
    code: 'PORT_NOT_FOUND',
  });
  await assert.rejects(world.changePorts('vm', PortAction.CREATE, ['gopher']), {
    kind: 'invalid',
    code: 'UNKNOWN_PORT',
  });
  await assert.rejects(world.changePorts('vm', PortAction.UNSPECIFIED), { kind: 'invalid' });
  await assert.rejects(world.changePorts('nobody', PortAction.PAUSE), { kind: 'not_found', code: 'VM_NOT_FOUND' });
});

test('forwards beyond the template get the numbers behind it, and what was said of them reaches the router', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({
    vmName: 'vm',
    forwards: [
      {
        name: 'game',
        internalPort: 27_015,
        protocol: Protocol.UDP,
        description: 'players only',
        source: '192.0.2.0/24',
      },
      { name: 'https', externalPort: 8_443, disabled: true },
    ],
  });
  const { desired } = await world.driver.change(operation.vmId);
  assert.deepEqual(
    desired?.rules.map(({ $typeName, extra, ...rule }) => rule),
    [
      {
        number: 10_003,
        inboundInterface: 'eth0',
        protocol: 'udp',
        destinationAddress: '203.0.113.2',
        destinationPort: '32000',
        translationAddress: '10.0.0.2',
        translationPort: '27015',
        sourceAddress: '192.0.2.0/24',
        description: 'players only',
        disabled: false,
      },
      {
        number: 10_002,
        inboundInterface: 'eth0',
        protocol: 'tcp',
        destinationAddress: '203.0.113.2',
        destinationPort: '8443',
        translationAddress: '10.0.0.2',
        translationPort: '443',
        sourceAddress: '',
        description: 'berth vm https',
        disabled: true,
      },
    ],
  );
  const next = await world.provision({ vmName: 'next' });
  assert.equal((await world.driver.change(next.vmId)).desired?.rules[0]?.number, 10_004);
});

test('with the router away a repeat still succeeds, and a change is refused unless it may wait', async (t) => {
  const world = await makeWorld(t);
  await world.provisioned({ vmName: 'vm' });
  await world.driver.report({ state: RouterState.BREAKER_OPEN, retryAfterSeconds: 17 });
  await world.routerReady();
  assert.equal((await world.changePorts('vm', PortAction.ENABLE)).state, OperationState.SUCCEEDED);
  await assert.rejects(world.changePorts('vm', PortAction.DISABLE), {
    kind: 'unavailable',
    code: 'ROUTER_UNAVAILABLE',
    details: { retryAfterSeconds: 17 },
  });
  await assert.rejects(world.decommission('vm'), { code: 'ROUTER_UNAVAILABLE' });
  await assert.rejects(world.provision({ vmName: 'other' }), { code: 'ROUTER_UNAVAILABLE' });
  const [{ count } = { count: -1 }] = await world.query<{ count: number }>('SELECT count(*)::int FROM operations');
  assert.equal(count, 2);
  const waiting = await world.changePorts('vm', PortAction.DISABLE, [], { mayWait: true });
  assert.equal(waiting.state, OperationState.RUNNING);
  await assert.rejects(world.changePorts('vm', PortAction.ENABLE), { code: 'ROUTER_UNAVAILABLE' });
  assert.equal((await world.decommission('vm', { mayWait: true })).state, OperationState.PENDING);
});
