import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperationKind, OperationState, VmState } from '@berth/contracts';
import { makeWorld } from '../support/world.ts';

test('a provision reserves all of a VM and sends it as one change', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'Web1', macAddress: '52-54-00-AA-00-01', metadata: { team: 'x' } });
  assert.equal(operation.state, OperationState.RUNNING);
  assert.equal(operation.kind, OperationKind.PROVISION_VM);
  const change = await world.driver.change(operation.vmId);
  assert.deepEqual(
    { ...change.desired?.mapping, $typeName: undefined },
    {
      $typeName: undefined,
      network: 'LAN',
      subnet: '10.0.0.0/16',
      name: 'Web1',
      macAddress: '52:54:00:aa:00:01',
      ipAddress: '10.0.0.2',
      extra: [],
    },
  );
  assert.deepEqual(
    change.desired?.rules.map((rule) => [rule.number, rule.destinationPort, rule.translationPort, rule.description]),
    [
      [10_000, '32000', '22', 'berth Web1 ssh'],
      [10_001, '32001', '80', 'berth Web1 http'],
      [10_002, '32002', '443', 'berth Web1 https'],
    ],
  );
  assert.deepEqual(change.operationIds, [operation.id]);
  assert.equal(change.causes[0]?.requestId, 'req-1');
  const before = await world.vm('web1');
  assert.equal(before.state, VmState.PROVISIONING);
  assert.deepEqual(before.forwards, []);

  await world.driver.settle(operation.vmId, { applied: true });
  const end = await world.ended(operation);
  assert.equal(end.state, OperationState.SUCCEEDED);
  assert.equal(end.vm?.internalIp, '10.0.0.2');
  assert.equal(end.vm?.externalIp, '203.0.113.2');
  assert.equal(end.vm?.natRuleBase, 10_000);
  assert.deepEqual(end.vm?.metadata, { team: 'x' });
  const vm = await world.vm(operation.vmId);
  assert.equal(vm.state, VmState.ACTIVE);
  assert.deepEqual(
    vm.forwards.map(({ name, externalPort, natRuleNumber, enabled }) => [name, externalPort, natRuleNumber, enabled]),
    [
      ['ssh', 32_000, 10_000, true],
      ['http', 32_001, 10_001, true],
      ['https', 32_002, 10_002, true],
    ],
  );
  assert.ok(vm.version > before.version);
});
