import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ListVmsRequest,
  OperationKind,
  Protocol,
  type UpdateVmRequest,
  VmOrder,
  type VmSchema,
  VmService,
  VmState,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { MessageInitShape } from '@bufbuild/protobuf';
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

const fieldsOf = (answer: Answer): string[] => (answer.body.errors ?? []).map(({ field }: { field: string }) => field);

/** Answers updates with a VM that they left behind; gives back what was asked. */
function acceptUpdates(gateway: GatewayUnderTest, vm: MessageInitShape<typeof VmSchema> = aVm()): UpdateVmRequest[] {
  const asked: UpdateVmRequest[] = [];
  gateway.answer(method.updateVm, (message) => {
    asked.push(message);
    return { operation: anOperation({ id: message.context?.operationId ?? '', kind: OperationKind.UPDATE_VM, vm }) };
  });
  return asked;
}

/** Answers lists with these VMs; gives back what was asked. */
function answerLists(
  gateway: GatewayUnderTest,
  answer: { nextPageToken: string } = { nextPageToken: '' },
): ListVmsRequest[] {
  const asked: ListVmsRequest[] = [];
  gateway.answer(method.listVms, (message) => {
    asked.push(message);
    return answer;
  });
  return asked;
}

test('a VM is shown whole, by its name and by its id', async (t) => {
  const gateway = await startTestGateway(t);
  const vm = aVm({
    forwards: [
      {
        name: 'rtp',
        protocol: Protocol.UDP,
        internalPort: 10_000,
        internalPortEnd: 10_009,
        externalPort: 30_000,
        externalPortEnd: 30_009,
        natRuleNumber: 10_003,
        natRuleNumbers: [10_003, 10_004],
        source: '192.0.2.1',
        sources: ['192.0.2.1', '198.51.100.0/24'],
        enabled: false,
      },
    ],
    absentForwards: [{ name: 'ssh', protocol: Protocol.TCP, natRuleNumber: 10_000 }],
    ownerGroup: 'blue',
    rulePool: '',
    metadata: { a: [1] },
    version: 7n,
  });
  const asked: string[] = [];
  gateway.answer(method.getVm, ({ machineId }) => {
    asked.push(machineId);
    return { vm };
  });
  for (const machine of ['web-01', vm.id ?? '']) {
    const answer = await gateway.call('GET', `/v1/vms/${machine}`, { apiKey: 'viewer-1' });
    assert.equal(answer.headers.get('etag'), '"7"');
    assert.deepEqual(answer.body, {
      id: vm.id,
      name: 'web-01',
      mac_address: '52:54:00:12:34:56',
      hostname: 'web-01',
      router: 'default',
      internal_ip: '10.10.1.50',
      external_ip: '192.0.2.1',
      nat_rule_base: 10_000,
      pools: { ip: 'ip-pools/default', port: 'port-pools/default', rule: null },
      metadata: { a: [1] },
      owner_group: 'blue',
      state: 'active',
      changing: false,
      forwards: [
        {
          name: 'rtp',
          status: 'disabled',
          protocol: 'udp',
          internal_port: 10_000,
          internal_port_end: 10_009,
          external_port: 30_000,
          external_port_end: 30_009,
          nat_rule_number: 10_003,
          nat_rule_numbers: [10_003, 10_004],
          source: '192.0.2.1',
          sources: ['192.0.2.1', '198.51.100.0/24'],
          description: null,
        },
      ],
      absent_forwards: [{ name: 'ssh', protocol: 'tcp', nat_rule_number: 10_000 }],
      version: 7,
      created_at: '2026-01-01T12:00:00.000Z',
      updated_at: '2026-01-01T12:00:04.000Z',
    });
  }
  assert.deepEqual(asked, ['web-01', vm.id]);
});

test('a VM may have the name of a route', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.getVm, ({ machineId }) => ({ vm: aVm({ name: machineId }) }));
  assert.equal((await gateway.call('GET', '/v1/vms/provision')).body.name, 'provision');
  acceptUpdates(gateway);
  assert.equal((await gateway.call('PATCH', '/v1/vms/provision', { body: { hostname: 'a' } })).status, 200);
});

test('the ETag of a settled VM is its version; while it changes, it tells every look of it apart', async (t) => {
  const gateway = await startTestGateway(t);
  let vm = aVm({ version: 3n });
  gateway.answer(method.getVm, () => ({ vm }));
  const get = (etag: string) => gateway.call('GET', '/v1/vms/web-01', { headers: { 'if-none-match': etag } });
  assert.equal((await get('"3"')).status, 304);
  assert.equal((await get('"2"')).status, 200);
  vm = { ...vm, version: 4n, changing: true };
  const before = (await get('"3"')).headers.get('etag') ?? '';
  assert.match(before, /^"4-[\w-]+"$/);
  assert.equal((await get(before)).status, 304);
  vm = { ...vm, forwards: [] };
  const after = (await get(before)).headers.get('etag') ?? '';
  assert.match(after, /^"4-[\w-]+"$/);
  assert.notEqual(after, before);
  vm = { ...vm, changing: false };
  const settled = await get(after);
  assert.deepEqual([settled.status, settled.headers.get('etag')], [200, '"4"']);
  vm = { ...vm, state: VmState.REMOVING };
  assert.equal((await get('"4"')).status, 200);
});

test('VMs are listed with filters, an order and pages, whose links keep all that was asked', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = answerLists(gateway, { nextPageToken: 'to ken' });
  const query = [
    'group=blue',
    'router=edge-1',
    'pool=ip-pools/a',
    'address=10.10.0.0/16',
    'port=32000',
    'state=active,removing',
    'state=provisioning',
    `text=${encodeURIComponent('ü & "x"')}`,
    'mac_address=52-54-00-12-34-56',
    'sort=-internal_ip',
    'limit=2',
    'cursor=here',
  ].join('&');
  const answer = await gateway.call('GET', `/v1/vms?${query}`, { apiKey: 'viewer-1' });
  assert.deepEqual(answer.body, { items: [], next_cursor: 'to ken' });
  const message = asked[0];
  assert.deepEqual([message?.pageSize, message?.pageToken], [2, 'here']);
  assert.deepEqual([message?.order, message?.descending], [VmOrder.INTERNAL_IP, true]);
  assert.equal(message?.principal?.id, 'id-of-viewer-1');
  const { $typeName, ...filter } = message?.filter ?? {};
  assert.deepEqual(filter, {
    ownerGroup: 'blue',
    router: 'edge-1',
    pool: 'ip-pools/a',
    address: '10.10.0.0/16',
    externalPort: 32_000,
    states: [VmState.ACTIVE, VmState.REMOVING, VmState.PROVISIONING],
    text: 'ü & "x"',
    macAddress: '52:54:00:12:34:56',
    withoutGroup: false,
  });
  const next = /^<(\/v1\/vms\?[!-~]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
  await gateway.call('GET', next, { apiKey: 'viewer-1' });
  assert.deepEqual(asked.at(-1), { ...message, pageToken: 'to ken' });
});

test('without a query VMs come by name, a hundred at a time; an empty group is none', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = answerLists(gateway);
  const plain = await gateway.call('GET', '/v1/vms');
  assert.deepEqual([plain.body, plain.headers.get('link')], [{ items: [], next_cursor: null }, null]);
  assert.deepEqual([asked[0]?.pageSize, asked[0]?.order, asked[0]?.descending], [100, VmOrder.NAME, false]);
  await gateway.call('GET', '/v1/vms?group=&sort=created_at');
  const ofNone = asked.at(-1);
  assert.deepEqual([ofNone?.filter?.withoutGroup, ofNone?.filter?.ownerGroup], [true, '']);
  assert.equal(ofNone?.order, VmOrder.CREATED_AT);
});

test('a page that the caller has already is 304', async (t) => {
  const gateway = await startTestGateway(t);
  const answer = { nextPageToken: '' };
  answerLists(gateway, answer);
  const etag = (await gateway.call('GET', '/v1/vms')).headers.get('etag') ?? '';
  const again = () => gateway.call('GET', '/v1/vms', { headers: { 'if-none-match': etag } });
  assert.equal((await again()).status, 304);
  answer.nextPageToken = 'more';
  assert.equal((await again()).status, 200);
});

test('a wrong query is 422 and names the parameter', async (t) => {
  const gateway = await startTestGateway(t, { timing: defaultTiming });
  answerLists(gateway);
  await gateway.bus.connection.flush();
  for (const [query, field] of [
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['port=0', 'port'],
    ['port=65536', 'port'],
    ['port=x', 'port'],
    ['state=gone', 'state[0]'],
    ['state=', 'state[0]'],
    ['sort=colour', 'sort'],
    ['address=10.0.0.1/8', 'address'],
    ['address=web', 'address'],
    ['mac_address=52:54', 'mac_address'],
    ['text=', 'text'],
    ['text=%00', 'text'],
    ['router=a%20b', 'router'],
    ['colour=blue', 'colour'],
  ] as const) {
    const answer = await gateway.call('GET', `/v1/vms?${query}`);
    assert.equal(answer.status, 422, query);
    assert.deepEqual(fieldsOf(answer), [field], query);
  }
  const name = fc.constantFrom('group', 'router', 'pool', 'address', 'port', 'state', 'text', 'mac_address', 'sort');
  const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('10.0.0.0/8', '1', 'active'));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 4 }), async (pairs) => {
      const answer = await gateway.call('GET', `/v1/vms?${new URLSearchParams(pairs)}`);
      assert.ok([200, 422].includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
      if (answer.status === 422) assert.ok(fieldsOf(answer).length > 0);
    }),
    { numRuns: 150 },
  );
});

test('a VM is changed, and answered as it is then', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptUpdates(gateway, aVm({ name: 'web-02', version: 8n }));
  const answer = await gateway.call('PATCH', '/v1/vms/web-01', {
    body: { name: 'web-02', mac_address: '52-54-00-65-43-21', hostname: 'h', metadata: { b: 1 }, owner_group: 'blue' },
    headers: { 'if-match': '"7"', 'idempotency-key': 'order-1' },
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual([answer.body.name, answer.headers.get('etag')], ['web-02', '"8"']);
  const message = asked[0];
  assert.deepEqual([message?.machineId, message?.vmName, message?.hostname], ['web-01', 'web-02', 'h']);
  assert.deepEqual([message?.macAddress, message?.ownerGroup], ['52:54:00:65:43:21', 'blue']);
  assert.deepEqual([message?.metadata, message?.clearMetadata], [{ b: 1 }, false]);
  assert.equal(message?.context?.ifVersion, 7n);
  assert.equal(message?.context?.idempotency?.scope, 'id-of-admin-1 PATCH /v1/vms/web-01');
});

test('what is not given stays, and null takes away', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptUpdates(gateway);
  const patch = async (body: object) => {
    await gateway.call('PATCH', '/v1/vms/web-01', { body });
    return asked.at(-1);
  };
  const renamed = await patch({ vm_name: 'web-02' });
  assert.deepEqual([renamed?.vmName, renamed?.macAddress, renamed?.hostname], ['web-02', undefined, undefined]);
  assert.deepEqual([renamed?.ownerGroup, renamed?.metadata, renamed?.clearMetadata], [undefined, undefined, false]);
  assert.equal(renamed?.context?.ifVersion, 0n);
  const cleared = await patch({ hostname: null, metadata: null, owner_group: null });
  assert.deepEqual([cleared?.hostname, cleared?.clearMetadata, cleared?.ownerGroup], ['', true, '']);
  assert.deepEqual([cleared?.vmName, cleared?.metadata], [undefined, undefined]);
  const emptied = await patch({ metadata: {}, owner_group: '' });
  assert.deepEqual([emptied?.metadata, emptied?.clearMetadata, emptied?.ownerGroup], [{}, false, '']);
});

test('a wrong change of a VM is 422 and names the field; nothing is asked of anybody', async (t) => {
  const gateway = await startTestGateway(t, { timing: defaultTiming });
  const asked = acceptUpdates(gateway);
  await gateway.bus.connection.flush();
  const patch = (body: unknown) => gateway.call('PATCH', '/v1/vms/web-01', { body });
  for (const [body, fields] of [
    [{}, ['body']],
    [{ name: 'a', vm_name: 'a' }, ['vm_name']],
    [{ name: '1b4e28ba-2fa1-11d2-883f-0016d3cca427', mac_address: '01:00:5e:00:00:01' }, ['name', 'mac_address']],
    [{ vm_name: 'a_b' }, ['vm_name']],
    [{ name: null }, ['name']],
    [{ mac_address: '' }, ['mac_address']],
    [{ hostname: '' }, ['hostname']],
    [{ metadata: [] }, ['metadata']],
    [{ metadata: { a: '\u0000' } }, ['metadata.a']],
    [{ owner_group: 'a b' }, ['owner_group']],
    [{ id: 'x' }, ['id']],
  ] as const) {
    const answer = await patch(body);
    assert.equal(answer.status, 422, JSON.stringify(body));
    assert.deepEqual(fieldsOf(answer), fields, JSON.stringify(answer.body.errors));
  }
  assert.equal(asked.length, 0);
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('', 'a', '52:54:00:12:34:56'));
  const value = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));
  const body = fc.record(
    { name: value, vm_name: value, mac_address: value, hostname: value, metadata: value, owner_group: value },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(body, async (one) => {
      const answer = await patch(JSON.stringify(one));
      assert.ok([200, 422].includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
      if (answer.status === 422) assert.ok(fieldsOf(answer).length > 0);
    }),
    { numRuns: 100 },
  );
});

test('every change of a VM takes If-Match: a version, * for any, and neither weak tags nor anything else', async (t) => {
  const gateway = await startTestGateway(t);
  const versions: (bigint | undefined)[] = [];
  const accept = ({ context }: { context?: { operationId: string; ifVersion: bigint } | undefined }) => {
    versions.push(context?.ifVersion);
    return { operation: anOperation({ id: context?.operationId ?? '', kind: OperationKind.CHANGE_FORWARDS }) };
  };
  gateway.answer(method.updateVm, accept);
  gateway.answer(method.changePorts, accept);
  gateway.answer(method.changeForwards, accept);
  gateway.answer(method.decommissionVm, accept);
  await gateway.bus.connection.flush();
  const writes: readonly [string, string, unknown?][] = [
    ['PATCH', '/v1/vms/web-01', { hostname: null }],
    ['DELETE', '/v1/vms/web-01/decommission'],
    ['POST', '/v1/vms/web-01/ports/template', { action: 'pause' }],
    ['POST', '/v1/vms/web-01/ports/ssh', { action: 'enable' }],
    ['POST', '/v1/vms/web-01/forwards', { name: 'ssh' }],
    ['PATCH', '/v1/vms/web-01/forwards', { delete: ['ssh'] }],
    ['PATCH', '/v1/vms/web-01/forwards/ssh', { enabled: false }],
    ['DELETE', '/v1/vms/web-01/forwards/ssh'],
  ];
  for (const [verb, path, body] of writes) {
    const send = (ifMatch: string) => gateway.call(verb, path, { body, headers: { 'if-match': ifMatch } });
    for (const [ifMatch, version] of [
      ['"7"', 7n],
      ['"7-abc"', 7n],
      ['*', 0n],
    ] as const) {
      assert.ok((await send(ifMatch)).status < 300, `${verb} ${path}`);
      assert.equal(versions.at(-1), version, `${verb} ${path}`);
    }
    const count = versions.length;
    const weak = await send('W/"7"');
    assert.deepEqual([weak.status, weak.body.code], [412, 'VERSION_MISMATCH'], `${verb} ${path}`);
    const malformed = await send('7');
    assert.deepEqual([malformed.status, fieldsOf(malformed)], [422, ['If-Match']], `${verb} ${path}`);
    assert.equal(versions.length, count);
  }
});

test('a version that is not the current one is 412, as the allocator says', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.updateVm, () => {
    throw new DomainError('precondition_failed', 'VERSION_MISMATCH', 'The VM has version 8.');
  });
  const answer = await gateway.call('PATCH', '/v1/vms/web-01', {
    body: { hostname: null },
    headers: { 'if-match': '"7"' },
  });
  assert.deepEqual([answer.status, answer.body.code], [412, 'VERSION_MISMATCH']);
});

test('operations on forwards and VMs are shown with what they were answered with', async (t) => {
  const gateway = await startTestGateway(t);
  const kinds = { change_forwards: OperationKind.CHANGE_FORWARDS, update_vm: OperationKind.UPDATE_VM };
  for (const [word, kind] of Object.entries(kinds)) {
    const operation = anOperation({ kind });
    const stop = gateway.answer(method.getOperation, () => ({ operation }));
    const { body } = await gateway.call('GET', `/v1/operations/${operation.id}`);
    assert.deepEqual([body.kind, body.state], [word, 'succeeded']);
    assert.deepEqual(
      body.result.forwards.map(({ name }: { name: string }) => name),
      ['ssh', 'http', 'https'],
    );
    assert.equal(body.result.machine_id ?? body.result.name, 'web-01');
    assert.equal(body.result.status, kind === OperationKind.UPDATE_VM ? undefined : 'success');
    await stop();
  }
});

test('a VM may be called like any other address below /v1/vms', async (t) => {
  const gateway = await startTestGateway(t);
  acceptUpdates(gateway);
  gateway.answer(method.getVm, ({ machineId }) => ({ vm: aVm({ name: machineId }) }));
  await gateway.bus.connection.flush();
  const { paths } = (await gateway.call('GET', '/openapi.json')).body;
  const words = Object.keys(paths).flatMap((path) => /^\/v1\/vms\/([a-z-]+)$/.exec(path)?.[1] ?? []);
  assert.deepEqual(words.sort(), ['bulk-decommission', 'bulk-provision', 'provision']);
  for (const word of words) {
    assert.equal((await gateway.call('GET', `/v1/vms/${word}`)).body.name, word);
    const changed = await gateway.call('PATCH', `/v1/vms/${word}`, { body: { metadata: null } });
    assert.equal(changed.status, 200, JSON.stringify(changed.body));
    const put = await gateway.call('PUT', `/v1/vms/${word}`, { body: {} });
    assert.deepEqual([put.status, put.headers.get('allow')], [405, 'POST']);
  }
});
