import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChangeForwardsRequest, OperationKind, OperationState, Protocol, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import fc from 'fast-check';
import { defaultTiming } from '../src/app/operations/command-timing.ts';
import {
  type Answer,
  anOperation,
  aVm,
  type GatewayUnderTest,
  startTestGateway,
} from './support/gateway-under-test.ts';

const { method } = VmService;
const path = '/v1/vms/web-01/forwards';

const fieldsOf = (answer: Answer): string[] => (answer.body.errors ?? []).map(({ field }: { field: string }) => field);

/** Answers changes with the VM that they left behind; gives back what was asked. */
function acceptChanges(gateway: GatewayUnderTest): ChangeForwardsRequest[] {
  const asked: ChangeForwardsRequest[] = [];
  gateway.answer(method.changeForwards, (message) => {
    asked.push(message);
    const id = message.context?.operationId ?? '';
    return { operation: anOperation({ id, kind: OperationKind.CHANGE_FORWARDS, vm: aVm({ version: 2n }) }) };
  });
  return asked;
}

test('the forwards of a VM are listed and got by name, with the VM’s ETag', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.getVm, () => ({ vm: aVm({ version: 5n, absentForwards: [{ name: 'rdp' }] }) }));
  const list = await gateway.call('GET', path, { apiKey: 'viewer-1' });
  assert.equal(list.body.machine_id, 'web-01');
  assert.deepEqual(
    list.body.forwards.map(({ name }: { name: string }) => name),
    ['ssh', 'http', 'https'],
  );
  const one = await gateway.call('GET', `${path}/http`, { apiKey: 'viewer-1' });
  assert.deepEqual(one.body, {
    name: 'http',
    status: 'enabled',
    protocol: 'tcp',
    internal_port: 80,
    internal_port_end: 80,
    external_port: 32_001,
    external_port_end: 32_001,
    nat_rule_number: 10_001,
    nat_rule_numbers: [10_001],
    source: null,
    sources: [],
    description: 'web-01 http',
  });
  for (const answer of [list, one]) assert.equal(answer.headers.get('etag'), '"5"');
  const headers = { 'if-none-match': '"5"' };
  for (const url of [path, `${path}/http`]) assert.equal((await gateway.call('GET', url, { headers })).status, 304);
  for (const name of ['rdp', 'gopher', 'a%20b']) {
    const absent = await gateway.call('GET', `${path}/${name}`);
    assert.deepEqual([absent.status, absent.body.code], [404, 'PORT_NOT_FOUND'], name);
  }
});

test('one forward is created, or several at once, with all that can be said of them', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptChanges(gateway);
  const one = await gateway.call('POST', path, {
    body: {
      name: 'web',
      protocol: 'tcp_udp',
      internal_port: 80,
      external_ports: { first: 40_000, last: 40_003 },
      sources: ['192.0.2.1', '198.51.100.0/24', '203.0.113.0/24'],
      description: 'for all',
      enabled: false,
    },
  });
  assert.equal(one.status, 201, JSON.stringify(one.body));
  assert.deepEqual(Object.keys(one.body), ['status', 'machine_id', 'forwards']);
  assert.deepEqual([one.body.status, one.body.machine_id, one.body.forwards.length], ['success', 'web-01', 3]);
  const { $typeName, ...spec } = asked[0]?.create[0] ?? {};
  assert.deepEqual(spec, {
    name: 'web',
    protocol: Protocol.TCP_UDP,
    internalPort: 80,
    internalPortEnd: 0,
    externalPort: 40_000,
    externalPortEnd: 40_003,
    externalPortCount: 0,
    source: '192.0.2.1',
    moreSources: ['198.51.100.0/24', '203.0.113.0/24'],
    description: 'for all',
    disabled: true,
  });
  assert.deepEqual([asked[0]?.machineId, asked[0]?.update, asked[0]?.delete], ['web-01', [], []]);

  const several = { forwards: [{ name: 'ssh' }, { name: 'many', internal_port: 1, external_port_count: 10 }] };
  assert.equal((await gateway.call('POST', path, { body: several })).status, 201);
  const [ssh, many] = asked[1]?.create ?? [];
  assert.deepEqual([ssh?.name, ssh?.protocol, ssh?.internalPort], ['ssh', Protocol.UNSPECIFIED, 0]);
  assert.deepEqual([many?.externalPort, many?.externalPortCount, many?.disabled], [0, 10, false]);
});

test('a forward is edited: what is not given stays, null goes back to what is usual', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptChanges(gateway);
  const edit = async (body: object) => {
    const answer = await gateway.call('PATCH', `${path}/ssh`, { body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const change = asked.at(-1)?.update[0];
    assert.ok(change);
    const { $typeName, ...given } = change;
    return given;
  };
  assert.deepEqual(await edit({ enabled: false }), { name: 'ssh', enabled: false });
  assert.deepEqual(await edit({ name: 'admin', internal_port: 2_222 }), {
    name: 'ssh',
    newName: 'admin',
    internalPort: 2_222,
    internalPortEnd: 0,
  });
  assert.deepEqual(await edit({ internal_ports: '20-21', external_port: 40_020, protocol: 'both' }), {
    name: 'ssh',
    protocol: Protocol.TCP_UDP,
    internalPort: 20,
    internalPortEnd: 21,
    externalPort: 40_020,
    externalPortEnd: 40_021,
  });
  const { sources, ...rest } = await edit({ external_port: null, sources: null, description: null });
  assert.deepEqual(rest, { name: 'ssh', externalPort: 0, externalPortEnd: 0, description: '' });
  assert.deepEqual(sources?.sources, []);
  assert.deepEqual((await edit({ source: '192.0.2.1' })).sources?.sources, ['192.0.2.1']);
});

test('creating, changing and deleting together is one command; deleting one is another', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptChanges(gateway);
  const body = {
    create: [{ name: 'dns', internal_port: 53, protocol: 'udp' }],
    update: [{ name: 'ssh', new_name: 'admin', sources: ['198.51.100.0/24'] }],
    delete: ['http', 'https'],
  };
  const headers = { 'idempotency-key': 'order-1' };
  const answer = await gateway.call('PATCH', path, { body, headers });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const message = asked[0];
  assert.deepEqual([message?.create[0]?.name, message?.create[0]?.protocol], ['dns', Protocol.UDP]);
  assert.deepEqual([message?.update[0]?.name, message?.update[0]?.newName], ['ssh', 'admin']);
  assert.deepEqual(message?.delete, ['http', 'https']);
  assert.equal(message?.context?.idempotency?.scope, 'id-of-admin-1 PATCH /v1/vms/web-01/forwards');

  assert.equal((await gateway.call('DELETE', `${path}/ssh`, { headers })).status, 200);
  assert.deepEqual([asked[1]?.create, asked[1]?.update, asked[1]?.delete], [[], [], ['ssh']]);
  assert.equal(asked[1]?.context?.idempotency?.scope, 'id-of-admin-1 DELETE /v1/vms/web-01/forwards/ssh');
});

test('a change of forwards may take longer than its caller waits, and may fail', async (t) => {
  const gateway = await startTestGateway(t);
  const stop = gateway.answer(method.changeForwards, ({ context }) => ({
    operation: anOperation({
      id: context?.operationId ?? '',
      kind: OperationKind.CHANGE_FORWARDS,
      state: OperationState.RUNNING,
    }),
  }));
  const body = { name: 'ssh' };
  const accepted = await gateway.call('POST', path, { body, headers: { prefer: 'respond-async' } });
  assert.deepEqual([accepted.status, accepted.body.kind], [202, 'change_forwards']);
  await stop();
  for (const [kind, code, status] of [
    ['not_found', 'PORT_NOT_FOUND', 404],
    ['conflict', 'PORT_EXISTS', 409],
    ['exhausted', 'PORT_POOL_EXHAUSTED', 507],
    ['rejected', 'ROUTER_REFUSED', 502],
  ] as const) {
    const end = gateway.answer(method.changeForwards, () => {
      throw new DomainError(kind, code, 'No.');
    });
    const refused = await gateway.call('POST', path, { body });
    assert.deepEqual([refused.status, refused.body.code], [status, code]);
    await end();
  }
  for (const verb of ['PATCH', 'DELETE']) {
    const none = await gateway.call(verb, `${path}/a%20b`, verb === 'PATCH' ? { body: { enabled: true } } : {});
    assert.deepEqual([none.status, none.body.code], [404, 'PORT_NOT_FOUND']);
  }
});

test('a field that is found wrong later is named as the caller wrote it', async (t) => {
  const gateway = await startTestGateway(t);
  let field = '';
  const refuse = () => {
    throw new DomainError('invalid', 'INVALID_REQUEST', 'No.', { fields: [{ field, message: 'is missing' }] });
  };
  gateway.answer(method.changeForwards, refuse);
  gateway.answer(method.provisionVm, refuse);
  await gateway.bus.connection.flush();
  for (const [verb, url, body, found, named] of [
    ['POST', path, { name: 'x' }, 'create[0].internal_port', 'internal_port'],
    ['POST', path, { name: 'x' }, 'create[0]', 'body'],
    ['POST', path, { forwards: [{ name: 'x' }] }, 'create[0].internal_port', 'forwards[0].internal_port'],
    ['PATCH', path, { create: [{ name: 'x' }] }, 'create[0].internal_port', 'create[0].internal_port'],
    ['PATCH', `${path}/x`, { name: 'y' }, 'update[0].new_name', 'name'],
    ['POST', path, { name: 'x', internal_ports: '1-2000' }, 'create[0].internal_port_end', 'internal_ports'],
    ['PATCH', `${path}/x`, { external_ports: '2000-2001' }, 'update[0].external_port', 'external_ports'],
    ['PATCH', `${path}/x`, { internal_port: 65_535 }, 'update[0].internal_port_end', 'internal_port'],
    [
      'POST',
      '/v1/vms/provision',
      { vm_name: 'a', ports: [{ name: 'x', internal_ports: '1-99' }] },
      'ports[0].internal_port_end',
      'ports[0].internal_ports',
    ],
  ] as const) {
    field = found;
    const answer = await gateway.call(verb, url, { body });
    assert.equal(answer.status, 422);
    assert.deepEqual(answer.body.errors, [{ field: named, message: 'is missing' }]);
    assert.equal(answer.body.detail, `${named}: is missing`);
  }
});

test('wrong forwards are 422 with the field’s path, and nothing is asked of anybody', async (t) => {
  const gateway = await startTestGateway(t, { timing: defaultTiming });
  const asked = acceptChanges(gateway);
  await gateway.bus.connection.flush();
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `f${index}`, internal_port: 1 }));
  for (const [verb, url, body, fields] of [
    ['POST', path, {}, ['body']],
    ['POST', path, [], ['body']],
    ['POST', path, { forwards: [] }, ['forwards']],
    ['POST', path, { forwards: many(101) }, ['forwards']],
    ['POST', path, { forwards: [...many(2), { name: 'f0' }] }, ['forwards[2].name']],
    ['POST', path, { name: 'x', internal_port: 0 }, ['internal_port']],
    ['POST', path, { name: 'x', internal_port: 65_536 }, ['internal_port']],
    ['POST', path, { name: 'x', internal_ports: '9-8' }, ['internal_ports']],
    ['POST', path, { name: 'x', external_port_count: 0 }, ['external_port_count']],
    ['POST', path, { name: 'ünï' }, ['name']],
    ['POST', path, { name: 'status', description: 'a"b' }, ['description', 'name']],
    ['POST', path, { name: 'x', external_port: null }, ['external_port']],
    [
      'POST',
      path,
      { forwards: [{ name: 'x', sources: ['10.0.0.1/8', 'any'] }] },
      ['forwards[0].sources[0]', 'forwards[0].sources[1]'],
    ],
    ['PATCH', path, {}, ['body']],
    ['PATCH', path, { update: [] }, ['body']],
    ['PATCH', path, { delete: ['ssh', 'ssh'] }, ['delete[1]']],
    ['PATCH', path, { delete: ['a b'] }, ['delete[0]']],
    ['PATCH', path, { update: [{ enabled: true }] }, ['update[0].name']],
    ['PATCH', path, { update: [{ name: 'a', colour: 1 }] }, ['update[0].colour']],
    ['PATCH', `${path}/ssh`, {}, ['body']],
    ['PATCH', `${path}/ssh`, { external_port_count: 2 }, ['external_port_count']],
    ['PATCH', `${path}/ssh`, { external_ports: { first: 2_000, last: 1_999 } }, ['external_ports.last']],
    ['PATCH', `${path}/ssh`, { name: 'template' }, ['name']],
    ['PATCH', `${path}/ssh`, { description: 'a\nb' }, ['description']],
  ] as const) {
    const answer = await gateway.call(verb, url, { body });
    assert.equal(answer.status, 422, JSON.stringify([body, answer.body]).slice(0, 300));
    assert.deepEqual(fieldsOf(answer), fields, JSON.stringify(answer.body.errors));
  }
  assert.equal(asked.length, 0);
});

test('whatever is sent as forwards, the answer is a success or a problem that names a field', async (t) => {
  const gateway = await startTestGateway(t, { timing: defaultTiming });
  acceptChanges(gateway);
  await gateway.bus.connection.flush();
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('a', 'ssh', '8000-8010', '10.0.0.1'),
  );
  const port = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(0, 1_024, 65_536, 1.5, -1), fc.double());
  const run = fc.oneof(text, fc.record({ first: port, last: port }), fc.jsonValue({ maxDepth: 1 }));
  const tame = fc.record(
    {
      name: fc.constantFrom('a', 'b', 'ssh'),
      internal_port: fc.integer({ min: 1, max: 65_535 }),
      sources: fc.constantFrom([], ['10.0.0.1']),
      enabled: fc.boolean(),
    },
    { requiredKeys: ['name', 'enabled'] },
  );
  const wild = fc.record(
    {
      name: text,
      new_name: text,
      protocol: fc.constantFrom('tcp', 'udp', 'both', 'tcp_udp', 'icmp'),
      internal_port: port,
      internal_ports: run,
      external_port: fc.option(port),
      external_ports: run,
      external_port_count: port,
      source: fc.option(text),
      sources: fc.option(fc.array(text, { maxLength: 3 })),
      description: fc.option(text),
      enabled: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const forward = fc.oneof(tame, wild);
  const list = fc.array(forward, { maxLength: 3 });
  const body = fc.oneof(
    forward,
    fc.record({ forwards: list }),
    fc.record({ create: list, update: list, delete: fc.array(text, { maxLength: 3 }) }, { requiredKeys: [] }),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const route = fc.constantFrom(['POST', path], ['PATCH', path], ['PATCH', `${path}/ssh`]);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(route, body, async ([verb = '', url = ''], one) => {
      const answer = await gateway.call(verb, url, { body: JSON.stringify(one) ?? '' });
      assert.ok([200, 201, 422].includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
      if (answer.status === 422) assert.ok(fieldsOf(answer).length > 0);
      else accepted++;
    }),
    { numRuns: 300 },
  );
  assert.ok(accepted > 0, 'some of it is right');
});
