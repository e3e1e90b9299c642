import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AuditRecord,
  AuditRecordSchema,
  AuditService,
  DriftService,
  PoolService,
  RouterAdminService,
  RouterUseService,
  SessionService,
  streams,
  VmService,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { streamName } from '@berth/messaging';
import { eventually, ownNats } from '@berth/testing';
import { fromBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';

/** What stands in the stream. */
async function told({ bus }: GatewayUnderTest): Promise<(AuditRecord & { details: Record<string, unknown> })[]> {
  const name = streamName(bus, streams.audit);
  const info = await bus.manager.streams.info(name).catch(() => undefined);
  const records = [];
  for (let seq = info?.state.first_seq ?? 1; seq <= (info?.state.last_seq ?? 0); seq++) {
    const message = await bus.manager.streams.getMessage(name, { seq });
    if (!message) continue;
    const record = fromBinary(AuditRecordSchema, message.data);
    assert.equal(message.header.get('Nats-Msg-Id'), record.id);
    records.push({ ...record, details: JSON.parse(record.detailsJson) });
  }
  return records;
}

const made = { status: { router: 'edge' }, settings: { host: '192.0.2.9' }, version: 1n };
const routers = '/v1/routers';
const aBody = (name = 'edge') => ({ name, host: '192.0.2.9', key: 'the-key-of-the-router' });
/** A write of which no service tells: it changes nothing. */
const trial = `${routers}/test`;
const aTrial = (host = '192.0.2.9') => ({ host, key: 'the-key-of-the-router' });
const itsEntry = (host = '192.0.2.9') => ({ host, key: '[redacted]' });

test('when a write is answered the stream has its entry: who, what, on what, from where, and what came of it', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(RouterAdminService.method.testRouter, () => ({}));
  gateway.answer(RouterAdminService.method.updateRouter, () => {
    throw new DomainError('not_found', 'ROUTER_UNKNOWN', 'No such router.');
  });
  const headers = { 'x-request-id': 'r-1', 'user-agent': 'tests/1' };
  assert.equal((await gateway.call('POST', trial, { body: aTrial(), headers })).status, 200);
  const [entry, ...more] = await told(gateway);
  assert.equal(more.length, 0);
  const { principal, action, result, resourceType, clientAddress, userAgent, requestId } = entry ?? assert.fail();
  assert.deepEqual(
    [principal?.id, principal?.kind, principal?.name, action, result, resourceType],
    ['id-of-admin-1', 'api_key', 'admin-1', 'request.testRouterSettings', 'succeeded', 'router'],
  );
  assert.deepEqual([clientAddress, userAgent, requestId], ['127.0.0.1', 'tests/1', 'r-1']);
  assert.match(entry?.traceId ?? '', /^[0-9a-f]{32}$/);
  assert.deepEqual(entry?.details, { method: 'POST', path: trial, status: 200, body: itsEntry() });
  // The same request id again is another request, and another entry.
  assert.equal(
    (await gateway.call('PATCH', `${routers}/edge`, { body: { wan_interface: 'eth1' }, headers })).status,
    404,
  );
  const [, second] = await told(gateway);
  assert.deepEqual([second?.result, second?.resourceId], ['ROUTER_UNKNOWN', 'edge']);
  assert.match(String(second?.details['operation_id']), /^[0-9a-f-]{36}$/);
});

test('what a service tells of in the transaction of its change is told from here only when it came to nothing', async (t) => {
  const gateway = await startTestGateway(t);
  let fails = false;
  const unless = (answer: () => object) => () => {
    if (fails) throw new DomainError('conflict', 'REFUSED_HERE', 'It is refused.');
    return answer();
  };
  const pool = { name: 'rule-pools/a', values: { case: 'rule' as const, value: {} } };
  gateway.answer(
    RouterAdminService.method.addRouter,
    unless(() => made),
  );
  gateway.answer(
    RouterAdminService.method.updateRouter,
    unless(() => made),
  );
  gateway.answer(
    RouterAdminService.method.removeRouter,
    unless(() => ({})),
  );
  gateway.answer(RouterUseService.method.getRouterUse, () => ({}));
  gateway.answer(
    DriftService.method.setDriftPolicies,
    unless(() => ({})),
  );
  gateway.answer(
    VmService.method.setForwardTemplate,
    unless(() => ({})),
  );
  gateway.answer(
    PoolService.method.createPool,
    unless(() => pool),
  );
  gateway.answer(
    PoolService.method.deletePool,
    unless(() => ({})),
  );
  gateway.answer(
    PoolService.method.drainPool,
    unless(() => pool),
  );
  gateway.answer(
    PoolService.method.reserve,
    unless(() => ({ id: 'r', pool: 'rule-pools/a', first: '1', last: '1' })),
  );
  gateway.answer(
    PoolService.method.release,
    unless(() => ({})),
  );
  const pools = '/v1/pools/rule-pools';
  const ask = async () => [
    await gateway.call('POST', routers, { body: aBody() }),
    await gateway.call('PATCH', `${routers}/edge`, { body: { wan_interface: 'eth1' } }),
    await gateway.call('POST', `${routers}/edge/disable`, { body: {} }),
    await gateway.call('DELETE', `${routers}/edge`),
    await gateway.call('PUT', `${routers}/edge/drift/policies`, { body: { policies: [] } }),
    await gateway.call('PUT', '/v1/forward-template', { body: { forwards: [] } }),
    await gateway.call('POST', pools, { body: { name: 'a', ranges: ['1-9'] } }),
    await gateway.call('POST', `${pools}/a/drain`, { body: {} }),
    await gateway.call('POST', `${pools}/a/reservations`, { body: { count: 1 } }),
    await gateway.call('DELETE', `${pools}/a/reservations/4e4b1f3a-0b63-4a4c-9d5e-0a7f5d1c2b3a`),
    await gateway.call('DELETE', `${pools}/a`),
  ];
  for (const { status, body } of await ask()) assert.ok(status < 300, JSON.stringify(body));
  assert.deepEqual(await told(gateway), []);
  fails = true;
  const refused = await ask();
  assert.deepEqual(
    (await told(gateway)).map(({ result }) => result),
    refused.map(() => 'REFUSED_HERE'),
  );
});

test('reads, unknown addresses and wrong methods are no entries; refused writes are', async (t) => {
  const gateway = await startTestGateway(t);
  await gateway.call('GET', routers, { apiKey: null });
  await gateway.call('POST', '/v1/nothing', { body: {} });
  await gateway.call('PUT', '/v1/vms', { body: {} });
  assert.deepEqual(await told(gateway), []);
  await gateway.call('POST', routers, { body: {}, apiKey: null });
  await gateway.call('POST', routers, { body: {}, apiKey: 'nobody-1' });
  await gateway.call('POST', routers, { body: {}, apiKey: 'viewer-1' });
  await gateway.call('POST', routers, { body: { name: 'a b' } });
  await gateway.call('POST', routers, { body: '{' });
  await gateway.call('POST', '/v1/admin/api-keys', { body: { permission: 'king' } }); // whose success auth tells of
  assert.deepEqual(
    (await told(gateway)).map(({ result, principal }) => [result, principal?.name]),
    [
      ['CREDENTIALS_MISSING', undefined],
      ['API_KEY_INVALID', undefined],
      ['PERMISSION_DENIED', 'viewer-1'],
      ['INVALID_REQUEST', 'admin-1'],
      ['MALFORMED_JSON', 'admin-1'],
      ['INVALID_REQUEST', 'admin-1'],
    ],
  );
});

test('what a stranger typed is no part of an entry: it may be a password in the field of the name', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(SessionService.method.signIn, () => {
    throw new DomainError('unauthenticated', 'SIGN_IN_REFUSED', 'The name or the password is not right.');
  });
  await gateway.bus.connection.flush();
  const body = { username: 'mistyped horse', password: 'x' };
  assert.equal((await gateway.call('POST', '/v1/auth/token', { apiKey: null, body })).status, 401);
  const [entry] = await told(gateway);
  assert.equal(entry?.result, 'SIGN_IN_REFUSED');
  assert.ok(!JSON.stringify(entry?.details).includes('horse'));
});

test('secrets in bodies, addresses and headers are in no entry, however they are called', async (t) => {
  const gateway = await startTestGateway(t);
  const planted = 'Planted-Secret-1';
  const key = 'berth_0123abcd_0123456789012345678901234567890123456789abcdefghi';
  const token = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
  const bodies = [
    { name: 'r', host: 'h', api_key: planted, ca_pem: 'x', keys: [planted], nested: { password: planted } },
    { description: `use ${key}`, note: token, [key]: 1, url: `https://u:${planted}@h/?token=${planted}` },
  ];
  for (const body of bodies) {
    await gateway.call('POST', '/v1/routers', { body, headers: { 'user-agent': `x ${key}` } });
    await gateway.call('POST', `/v1/routers/${key}/test?token=${planted}`, { body });
  }
  const records = await told(gateway);
  assert.equal(records.length, 4);
  const text = JSON.stringify(records, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  for (const secret of [planted, key, token]) assert.ok(!text.includes(secret), text);
  assert.ok(text.includes('[redacted]'));
});

test('a body is cut at 4 kB, and says so', async (t) => {
  const gateway = await startTestGateway(t);
  await gateway.call('POST', routers, { body: { ...aBody(), description: 'y '.repeat(50_000) } });
  const [entry] = await told(gateway);
  const { length = 0 } = entry?.detailsJson ?? '';
  assert.ok(length > 4_000 && length < 5_000 && entry?.detailsJson.includes('[cut]'), `${length}`);
});

test('whoever is refused again and again is told one by one at first and counted then', async (t) => {
  const gateway = await startTestGateway(t);
  for (let index = 0; index < 30; index++) await gateway.call('POST', routers, { body: {}, apiKey: `nobody-${index}` });
  assert.equal((await told(gateway)).length, 20);
  // What was counted is told when the minute is over, or the gateway stops.
  await gateway.stop();
  const last = (await told(gateway)).at(-1);
  assert.deepEqual([last?.action, last?.resourceId, last?.details], ['request.refused', '127.0.0.1', { count: 10 }]);
});

test('while the stream is away answers go out soon, and the entry is in the log of the gateway', async (t) => {
  const nats = await ownNats(t);
  const gateway = await startTestGateway(t, { natsUrl: nats.url });
  gateway.answer(RouterAdminService.method.testRouter, () => ({}));
  await gateway.call('POST', trial, { body: aTrial('192.0.2.1') });
  await nats.stop();
  await eventually(() => gateway.logged.some(({ status }) => status === 'disconnect'));
  const startedAt = performance.now();
  const answer = await gateway.call('POST', trial, { body: aTrial('192.0.2.2') });
  assert.equal(answer.status, 503);
  assert.ok(performance.now() - startedAt < 15_000);
  const line = gateway.logged.find(({ msg }) => msg === 'audit entry could not be kept');
  assert.match(JSON.stringify(line?.['auditEntry']), /request\.testRouterSettings/);
  assert.match(await gateway.metrics.metrics(), /berth_gateway_audit_lost_total 1/);
});

test('a stream that was wiped is made again for the next entry', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(RouterAdminService.method.testRouter, () => ({}));
  await gateway.call('POST', trial, { body: aTrial('192.0.2.1') });
  await gateway.bus.manager.streams.delete(streamName(gateway.bus, streams.audit));
  await gateway.call('POST', trial, { body: aTrial('192.0.2.2') });
  assert.deepEqual(
    (await told(gateway)).map(({ details }) => details['body']),
    [itsEntry('192.0.2.2')],
  );
});

test('an export comes part by part as far as it is read, and a refusal is a problem', async (t) => {
  const gateway = await startTestGateway(t);
  let asked = 0;
  gateway.answer(AuditService.method.exportAudit, ({ afterSeq, toSeq, first }) => {
    asked++;
    assert.equal(first, afterSeq === 4n);
    assert.equal(toSeq, 9n);
    return { lines: [`{"after":${afterSeq}}`, 'x'.repeat(100_000)], lastSeq: afterSeq + 1n, more: afterSeq < 8n };
  });
  const response = await fetch(`${gateway.url}/v1/admin/audit/export?from=5&to=9`, {
    headers: { 'x-api-key': 'admin-1' },
  });
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('{'));
  assert.deepEqual(
    lines,
    [4, 5, 6, 7, 8].map((after) => `{"after":${after}}`),
  );
  assert.equal(asked, 5);
  assert.equal((await gateway.call('GET', '/v1/admin/audit/export', { apiKey: 'operator-1' })).status, 403);
  assert.equal((await gateway.call('GET', '/v1/admin/audit/export?from=0')).status, 422);
  assert.equal((await gateway.call('GET', '/v1/admin/audit?since=yesterday')).status, 422);
});

test('a new key of the audit log is answered with its public part, and auth tells the log of it', async (t) => {
  const gateway = await startTestGateway(t);
  const keys: string[] = [];
  gateway.answer(AuditService.method.rotateAuditKey, ({ context }) => {
    keys.push(context?.idempotency?.key ?? '');
    return { key: { id: 'k2', publicKey: 'PEM', createdAt: timestampFromDate(new Date(0)), signing: true } };
  });
  const path = '/v1/admin/audit/keys/rotate';
  const { status, body } = await gateway.call('POST', path, { headers: { 'idempotency-key': 'once' } });
  assert.deepEqual(
    [status, body],
    [201, { id: 'k2', public_key: 'PEM', created_at: '1970-01-01T00:00:00.000Z', signing: true }],
  );
  assert.deepEqual(keys, ['once']);
  assert.deepEqual(await told(gateway), []);
  assert.equal((await gateway.call('POST', path, { apiKey: 'operator-1' })).status, 403);
  assert.equal((await gateway.call('POST', path, { body: { now: true } })).status, 422);
  assert.deepEqual(keys, ['once']);
});

test('a head that vouches for another key is shown with all that it signed', async (t) => {
  const gateway = await startTestGateway(t);
  const at = timestampFromDate(new Date(0));
  const head = { seq: 7n, hash: 'ab', at, keyId: 'k1', signature: 'c2ln' };
  gateway.answer(AuditService.method.listAuditHeads, () => ({
    heads: [
      { ...head, kind: 'rotation', newKeyId: 'k2', newPublicKey: 'PEM' },
      { ...head, kind: 'head' },
    ],
  }));
  const { body } = await gateway.call('GET', '/v1/admin/audit/heads');
  const shown = { seq: 7, hash: 'ab', at: '1970-01-01T00:00:00.000Z', key_id: 'k1', signature: 'c2ln' };
  assert.deepEqual(body.items, [
    { ...shown, kind: 'rotation', new_key_id: 'k2', new_public_key: 'PEM' },
    { ...shown, kind: 'head' },
  ]);
});
