import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortAction, Protocol, type TemplateForwardSchema, VmService } from '@berth/contracts';
import { request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

const admin = aPrincipal({ permissions: ['vms:read', 'pools:write'] });

const setTemplate = (
  world: World,
  forwards: MessageInitShape<typeof TemplateForwardSchema>[],
  context: Parameters<World['context']>[0] = {},
) =>
  request(
    world.bus,
    VmService.method.setForwardTemplate,
    { context: world.context({ principal: admin, ...context }), forwards },
    { timeoutMs: 20_000 },
  );

const getTemplate = (world: World, principal = aPrincipal()) =>
  request(world.bus, VmService.method.getForwardTemplate, { principal }, { timeoutMs: 20_000 });

const rdp = {
  name: 'rdp',
  internalPort: 3_389,
  protocol: Protocol.TCP_UDP,
  sources: ['192.0.2.0/24'],
  description: 'desk',
};

test('new VMs get the template of their time, and each VM keeps its own', async (t) => {
  const world = await makeWorld(t);
  assert.deepEqual(
    (await getTemplate(world)).forwards.map(({ name, internalPort }) => [name, internalPort]),
    [
      ['ssh', 22],
      ['http', 80],
      ['https', 443],
    ],
  );
  const { vmId: before } = await world.provisioned({ vmName: 'before', noForwards: true });
  const changed = await setTemplate(world, [rdp, { name: 'ssh', internalPort: 2_222 }]);
  assert.deepEqual([changed.version, changed.forwards[0]?.description], [2n, 'desk']);
  const after = await world.provision({ vmName: 'after' });
  const rules = (await world.driver.change(after.vmId)).desired?.rules;
  assert.deepEqual(
    rules?.map((rule) => [rule.number, rule.protocol, rule.translationPort, rule.sourceAddress, rule.description]),
    [
      [10_003, 'tcp_udp', '3389', '192.0.2.0/24', 'desk'],
      [10_004, 'tcp', '2222', '', 'berth after ssh'],
    ],
  );
  // All of its template: for the older VM those that were it then.
  const { vm } = await world.applied(await world.changePorts('before', PortAction.CREATE), 2n);
  assert.deepEqual(
    vm?.forwards.map(({ name, internalPort, natRuleNumber }) => [name, internalPort, natRuleNumber]),
    [
      ['ssh', 22, 10_000],
      ['http', 80, 10_001],
      ['https', 443, 10_002],
    ],
  );
  // A name that the template has by now gets a number of its own.
  const later = await world.applied(await world.changePorts(before, PortAction.CREATE, ['rdp']), 3n);
  assert.deepEqual(later.vm?.forwards.at(-1)?.natRuleNumber, 10_005);
  assert.equal(later.vm?.absentForwards.length, 0);
});

test('a template without forwards is one; VMs then have a base and no forwards', async (t) => {
  const world = await makeWorld(t);
  assert.deepEqual((await setTemplate(world, [])).forwards, []);
  const { vm } = await world.provisioned({ vmName: 'vm' });
  assert.deepEqual([vm?.forwards, vm?.absentForwards, vm?.natRuleBase], [[], [], 10_000]);
  await assert.rejects(world.changePorts('vm', PortAction.CREATE, ['ssh']), { code: 'UNKNOWN_PORT' });
  await assert.rejects(world.provision({ vmName: 'x', forwards: [{ name: 'ssh' }] }), { kind: 'invalid' });
});

test('a template that cannot be, one of another version, and a caller who may not are refused', async (t) => {
  const world = await makeWorld(t);
  const fieldOf = async (forward: object) => {
    const error = await setTemplate(world, [
      { name: 'a', internalPort: 1 },
      { name: 'b', internalPort: 1, ...forward },
    ]).then(
      () => undefined,
      (reason: unknown) => reason as { details: { fields: { field: string }[] } },
    );
    return error?.details.fields[0]?.field;
  };
  assert.equal(await fieldOf({ name: 'A' }), 'forwards[1].name');
  assert.equal(await fieldOf({ name: 'a b' }), 'forwards[1].name');
  assert.equal(await fieldOf({ internalPort: 0 }), 'forwards[1].internal_port');
  assert.equal(await fieldOf({ sources: ['10.0.0.1/8'] }), 'forwards[1].source');
  assert.equal(await fieldOf({ description: "it's" }), 'forwards[1].description');
  const many = Array.from({ length: 33 }, (_, index) => ({ name: `n${index}`, internalPort: 1 }));
  await assert.rejects(setTemplate(world, many), { kind: 'invalid' });
  await assert.rejects(setTemplate(world, [rdp], { ifVersion: 7n }), { code: 'VERSION_MISMATCH' });
  await assert.rejects(setTemplate(world, [rdp], { principal: aPrincipal() }), { kind: 'forbidden' });
  await assert.rejects(getTemplate(world, aPrincipal({ permissions: [] })), { kind: 'forbidden' });
  assert.equal((await getTemplate(world)).version, 1n);
});

test('who belongs to a group changes no template, and nobody does after the deadline', async (t) => {
  const world = await makeWorld(t);
  const ofGroup = aPrincipal({ permissions: ['*'], group: 'blue' });
  await assert.rejects(setTemplate(world, [], { principal: ofGroup }), {
    kind: 'forbidden',
    code: 'POOL_WRITE_FORBIDDEN',
  });
  const key = { scope: 'key-1 PUT /v1/forward-template', key: 'k', fingerprint: Buffer.from('one') };
  const late = { deadline: timestampFromMs(Date.now() - 1), idempotency: key };
  await assert.rejects(setTemplate(world, [], late), { kind: 'unavailable', code: 'DEADLINE_PASSED' });
  assert.equal((await getTemplate(world)).version, 1n);
  assert.equal((await setTemplate(world, [], { idempotency: key })).version, 2n);
  assert.equal((await setTemplate(world, [], late)).version, 2n, 'a repeat gets the first answer, however late');
});

test('a repeat changes nothing, and a key is answered from its first use', async (t) => {
  const world = await makeWorld(t);
  const key = (body: string) => ({
    idempotency: { scope: 'key-1 PUT /v1/forward-template', key: 'k', fingerprint: Buffer.from(body) },
    ifVersion: 1n,
  });
  assert.equal((await setTemplate(world, [rdp], key('one'))).version, 2n);
  assert.equal((await setTemplate(world, [rdp], key('one'))).version, 2n);
  assert.equal((await setTemplate(world, [rdp])).version, 2n);
  await assert.rejects(setTemplate(world, [], key('two')), { kind: 'unprocessable', code: 'IDEMPOTENCY_KEY_REUSED' });
  await setTemplate(world, []);
  assert.equal((await setTemplate(world, [rdp], key('one'))).forwards.length, 1);
  assert.equal((await getTemplate(world)).forwards.length, 0);
});
