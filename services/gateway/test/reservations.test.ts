import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  type ExplainValueRequest,
  HolderKind,
  type ListAllocationsRequest,
  PoolService,
  PortProtocol,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { startTestGateway } from './support/gateway-under-test.ts';
import { playPools } from './support/played-pools.ts';

const { method } = PoolService;
const at = timestampFromDate(new Date('2026-01-01T12:00:00Z'));
const nothing = {
  ...{ pool: null, protocol: null, external_ip: null, vm_id: null, vm_name: null, forward: null },
  ...{ owner_group: null, reservation_id: null, note: null, until: null },
};

test('what is held of a pool is listed with its holders, page by page', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: ListAllocationsRequest | undefined;
  const vm = { vmId: randomUUID(), vmName: 'web-01', ownerGroup: 'blue', forward: 'ssh' };
  gateway.answer(method.listAllocations, (question) => {
    asked = question;
    return {
      allocations: [
        {
          first: '33000',
          last: '33001',
          protocol: PortProtocol.TCP,
          holder: HolderKind.VM,
          externalIp: '192.0.2.1',
          ...vm,
        },
        { pool: 'port-pools/edge', first: '33002', holder: HolderKind.QUARANTINE, until: at, vmName: 'old' },
        { first: '10.0.0.1', last: '10.0.0.9', holder: HolderKind.FOREIGN, note: 'service dhcp-server' },
      ],
      nextPageToken: 'more',
    };
  });
  await gateway.bus.connection.flush();
  const path = '/v1/pools/port-pools/edge/allocations';
  const page = await gateway.call('GET', `${path}?holder=vm&limit=3&cursor=c`);
  assert.equal(page.status, 200, JSON.stringify(page.body));
  assert.deepEqual([asked?.pool, asked?.pageSize, asked?.pageToken], ['port-pools/edge', 3, 'c']);
  assert.deepEqual(asked?.holders, [HolderKind.VM]);
  assert.deepEqual(page.body, {
    items: [
      {
        ...nothing,
        ...{ first: 33_000, last: 33_001, protocol: 'tcp', external_ip: '192.0.2.1', holder: 'vm' },
        ...{ vm_id: vm.vmId, vm_name: 'web-01', owner_group: 'blue', forward: 'ssh' },
      },
      {
        ...nothing,
        ...{ pool: 'port-pools/edge', first: 33_002, last: 33_002, holder: 'quarantine', vm_name: 'old' },
        until: '2026-01-01T12:00:00.000Z',
      },
      { ...nothing, first: '10.0.0.1', last: '10.0.0.9', holder: 'foreign', note: 'service dhcp-server' },
    ],
    next_cursor: 'more',
  });
  assert.equal(page.headers.get('link'), `<${path}?holder=vm&limit=3&cursor=more>; rel="next"`);
  await gateway.call('GET', path);
  assert.deepEqual([asked?.holders, asked?.pageSize], [[], 0]);
  await gateway.call('GET', '/v1/pools/port-pools/edge/reservations');
  assert.deepEqual(asked?.holders, [HolderKind.RESERVATION]);
  for (const query of ['holder=vm,foreign', 'holder=vm&holder=foreign']) {
    await gateway.call('GET', `${path}?${query}`);
    assert.deepEqual(asked?.holders, [HolderKind.VM, HolderKind.FOREIGN]);
  }
  assert.equal((await gateway.call('GET', `${path}?holder=vm,cat`)).body.errors[0].field, 'holder[1]');
});

test('values are reserved by name or by number, for ever or for a time', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  const path = '/v1/pools/ip-pools/edge/reservations';
  const body = { first: '10.10.2.20', last: '10.10.2.29', note: 'printers ü', lifetime_seconds: 60 };
  const made = await gateway.call('POST', path, { body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.headers.get('location'), `${path}/${made.body.id}`);
  assert.deepEqual(made.body, {
    id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
    ...{ pool: 'ip-pools/edge', first: '10.10.2.20', last: '10.10.2.29', protocols: [], note: 'printers ü' },
    ...{ expires_at: null, created_by: 'ci', created_at: '2026-01-01T12:00:00.000Z' },
  });
  assert.equal(played.last().message.lifetime.seconds, 60n);
  const ports = '/v1/pools/port-pools/edge/reservations';
  const two = await gateway.call('POST', ports, { body: { first: 33_000, count: 3, protocols: ['udp'] } });
  assert.deepEqual([two.body.first, two.body.protocols], [33_000, ['udp']]);
  const { first, last, count, protocols, lifetime } = played.last().message;
  assert.deepEqual([first, last, count, protocols, lifetime], ['33000', '', 3, [PortProtocol.UDP], undefined]);
  assert.equal((await gateway.call('POST', '/v1/pools/rule-pools/edge/reservations', { body: {} })).status, 201);
  assert.deepEqual([played.last().message.first, played.last().message.count], ['', 0]);
});

test('a wish that contradicts itself is refused, every wrong field named', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  const cases: [string, unknown, string][] = [
    ['ip-pools', { last: '10.0.0.1' }, 'last'],
    ['ip-pools', { first: '10.0.0.2', last: '10.0.0.1' }, 'last'],
    ['ip-pools', { first: '10.0.0.1', last: '10.0.0.2', count: 2 }, 'count'],
    ['ip-pools', { first: '10.0.0.0/24' }, 'first'],
    ['ip-pools', { first: 'fd00::1' }, 'first'],
    ['ip-pools', { first: 5 }, 'first'],
    ['ip-pools', { protocols: ['tcp'] }, 'protocols'],
    ['ip-pools', { note: 'x'.repeat(256) }, 'note'],
    ['ip-pools', { note: 'a\u0000' }, 'note'],
    ['ip-pools', { lifetime_seconds: 0 }, 'lifetime_seconds'],
    ['port-pools', { first: 0 }, 'first'],
    ['port-pools', { first: 65_536 }, 'first'],
    ['port-pools', { first: 33_001, last: 33_000 }, 'last'],
    ['port-pools', { protocols: ['icmp'] }, 'protocols[0]'],
    ['rule-pools', { first: 1_000_000 }, 'first'],
    ['rule-pools', { count: 0 }, 'count'],
    ['rule-pools', { count: 1.5 }, 'count'],
    ['rule-pools', [], 'body'],
  ];
  for (const [kind, body, field] of cases) {
    const answer = await gateway.call('POST', `/v1/pools/${kind}/edge/reservations`, { body });
    assert.equal(answer.status, 422, JSON.stringify([body, answer.body]));
    assert.deepEqual(
      answer.body.errors.map((error: { field: string }) => error.field),
      [field],
      JSON.stringify([body, answer.body]),
    );
  }
  assert.equal(played.asked.length, 0);
});

test('what is reserved is given back by its id, as one of that pool', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  const path = '/v1/pools/ip-pools/edge/reservations';
  const id = randomUUID();
  const answer = await gateway.call('DELETE', `${path}/${id.toUpperCase()}`);
  assert.deepEqual([answer.status, answer.body], [204, undefined]);
  assert.deepEqual([played.last().message.reservationId, played.last().message.pool], [id, 'ip-pools/edge']);
  const unknown = await gateway.call('DELETE', `${path}/abc`);
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'RESERVATION_NOT_FOUND']);
});

test('a pool without so many free values is 507 and names the pool', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.reserve, () => {
    const resource = { type: 'pool', name: 'ip-pools/edge' };
    throw new DomainError('exhausted', 'ADDRESS_POOL_EXHAUSTED', 'The pool has no run of 9 addresses.', { resource });
  });
  await gateway.bus.connection.flush();
  const answer = await gateway.call('POST', '/v1/pools/ip-pools/edge/reservations', { body: { count: 9 } });
  assert.deepEqual([answer.status, answer.body.resource.name], [507, 'ip-pools/edge']);
});

test('a value is explained: an address, a port, or a rule number', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: ExplainValueRequest | undefined;
  gateway.answer(method.explainValue, (question) => {
    asked = question;
    return {
      pool: 'ip-pools/edge',
      holders: [{ first: '10.10.2.5', holder: HolderKind.RESERVATION, reservationId: 'r', note: 'n' }],
      reason: 'It is reserved.',
    };
  });
  await gateway.bus.connection.flush();
  const answer = await gateway.call('GET', '/v1/pools/explain?address=10.10.2.5&router=r1');
  assert.deepEqual(answer.body, {
    ...{ pool: 'ip-pools/edge', free: false, available: false, reason: 'It is reserved.' },
    holders: [
      { ...nothing, first: '10.10.2.5', last: '10.10.2.5', holder: 'reservation', reservation_id: 'r', note: 'n' },
    ],
  });
  assert.deepEqual([asked?.value, asked?.router], [{ case: 'address', value: '10.10.2.5' }, 'r1']);
  await gateway.call('GET', '/v1/pools/explain?port=33000&external_ip=192.0.2.1');
  assert.deepEqual([asked?.value, asked?.externalIp], [{ case: 'port', value: 33_000 }, '192.0.2.1']);
  await gateway.call('GET', '/v1/pools/explain?rule_number=999999');
  assert.deepEqual(asked?.value, { case: 'ruleNumber', value: 999_999 });
  const cases: [string, string][] = [
    ['', 'address'],
    ['address=10.0.0.256', 'address'],
    ['address=::1', 'address'],
    ['port=0', 'port'],
    ['port=65536', 'port'],
    ['port=x', 'port'],
    ['rule_number=1000000', 'rule_number'],
    ['address=10.0.0.1&port=1', 'port'],
    ['port=1&rule_number=1', 'rule_number'],
    ['address=10.0.0.1&external_ip=192.0.2.1', 'external_ip'],
    ['port=1&external_ip=x', 'external_ip'],
    ['port=1&port=2', 'port'],
    ['port=1&router=%00', 'router'],
    ['mac=1', 'mac'],
  ];
  for (const [query, field] of cases) {
    const refused = await gateway.call('GET', `/v1/pools/explain?${query}`);
    assert.equal(refused.status, 422, query);
    assert.deepEqual(
      refused.body.errors.map((error: { field: string }) => error.field),
      [field],
      query,
    );
  }
});
