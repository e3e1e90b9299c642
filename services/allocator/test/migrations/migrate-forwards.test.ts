import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperationState, PortAction } from '@berth/contracts';
import { makeWorld } from '../support/world.ts';
import { firstVersionDatabase, vmId } from './first-version.ts';

const operationId = '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a21';
const endedId = '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a22';

const forward = (name: string, port: number, number: number, more: object) => ({
  name,
  protocol: 'tcp',
  internalPort: port,
  state: 'enabled',
  externalPort: 0,
  ruleNumber: number,
  fixedPort: 0,
  source: '',
  description: '',
  ...more,
});
const ssh = forward('ssh', 22, 10_000, { externalPort: 32_000, source: '192.0.2.1' });
const https = forward('https', 443, 10_002, { externalPort: 32_001, protocol: 'tcp_udp' });
const db = forward('db', 5_432, 10_003, { state: 'absent', fixedPort: 32_500 });
const json = (value: unknown) => `'${JSON.stringify(value)}'::jsonb`;

/** A VM as an operation's result held it. */
const storedVm = `jsonb_build_object('id', id, 'name', name, 'macAddress', mac_address, 'hostname', hostname, 'router', router, 'site', site,
  'internalIp', internal_ip, 'rules', rules, 'ownerGroup', owner_group, 'state', state, 'version', version, 'forwards', forwards,
  'createdAt', created_at, 'updatedAt', updated_at)`;

/** The VM has a change on its way that makes https, and an operation of it has ended before. */
const onTheWay = [
  `UPDATE vms SET forwards = ${json([ssh, db])}, wanted = ${json([ssh, db, https])}, unsettled = true, revision = 2,
     rules = '{"first": 10000, "last": 10003}'`,
  `UPDATE allocations SET held = '[10000,10004)' WHERE held = '[10000,10003)'::int8range`,
  `DELETE FROM free_spans WHERE first <= 10003 AND last >= 10000`,
  `INSERT INTO allocations (space_id, held, kind, vm_id, slot)
   SELECT id, '[32001,32002)', 'vm', '${vmId}', 'https' FROM spaces WHERE kind IN ('tcp', 'udp')`,
  ...[operationId, endedId].map(
    (
      id,
    ) => `INSERT INTO operations (id, kind, state, router, vm_id, vm_name, owner_group, principal_id, principal_name, request_id,
       traceparent, port_action, port_names, step, revision, wanted, reserved, alone, result, created_at, updated_at)
     SELECT '${id}', 'change-ports', '${id === endedId ? 'succeeded' : 'running'}', 'default', '${vmId}', 'vm', '', 'key-1', 'tests', '', '',
       'create', '["https"]', '${id === endedId ? '' : 'change-router'}', 2, ${json([ssh, db, https])}, '["https"]', false,
       ${id === endedId ? storedVm : 'NULL'},
       now(), now() FROM vms`,
  ),
];

test('forwards of the first version, and changes of them on their way, go on as forwards in detail', async (t) => {
  const world = await makeWorld(t, { databaseUrl: await firstVersionDatabase(t, onTheWay), routerKnown: false });
  const before = await world.vm('vm');
  assert.deepEqual(
    before.forwards.map(({ name, externalPort, sources, natRuleNumbers }) => [
      name,
      externalPort,
      sources,
      natRuleNumbers,
    ]),
    [['ssh', 32_000, ['192.0.2.1'], [10_000]]],
  );
  const absent = before.absentForwards.map(({ name, natRuleNumber }) => [name, natRuleNumber]);
  assert.deepEqual(absent, [
    ['db', 10_003],
    ['http', 10_001],
    ['https', 10_002],
  ]);
  assert.deepEqual((await world.operation(endedId)).vm?.forwards, before.forwards);

  await world.driver.settle(vmId, { applied: false, revision: 2n });
  assert.equal((await world.ended({ id: operationId })).state, OperationState.FAILED);
  assert.deepEqual((await world.vm('vm')).forwards, before.forwards);
  const held = "SELECT FROM allocations WHERE slot = 'https' AND kind = 'vm'";
  assert.deepEqual(await world.query(held), []);
  const change = await world.changePorts('vm', PortAction.CREATE, ['db', 'http']);
  const rules = (await world.driver.change(vmId, 3n)).desired?.rules;
  assert.deepEqual(
    rules?.map(({ number, destinationPort, sourceAddress }) => [number, destinationPort, sourceAddress]),
    [
      [10_000, '32000', '192.0.2.1'],
      [10_003, '32500', ''],
      [10_001, '32001', ''],
    ],
  );
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  assert.equal((await world.ended(change)).vm?.forwards.length, 3);
});
