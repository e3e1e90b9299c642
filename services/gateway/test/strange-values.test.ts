import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestGateway } from './support/gateway-under-test.ts';

const fieldsOf = (body: { errors?: { field: string }[] }) => body.errors?.map(({ field }) => field);

test('U+0000 is found nowhere, and no parameter or field takes it', async (t) => {
  const gateway = await startTestGateway(t);
  for (const path of [
    '/v1/vms/a%00',
    '/v1/routers/%00',
    '/v1/routers/%00/drift',
    '/v1/routers/a/commits/%00',
    '/v1/routers/%00/adoptions/preview',
    '/v1/pools/ip-pools/%00',
    '/v1/operations/%00',
    '/v1/plans/%00',
    '/v1/bulks/%00',
    '/v1/admin/api-keys/%00',
  ]) {
    assert.equal((await gateway.call('GET', path)).status, 404, path);
  }
  for (const [path, field] of [
    ['/v1/routers/a/commits?vm=%00', 'vm'],
    ['/v1/routers/a/commits?principal=a%00b', 'principal'],
    ['/v1/routers/a/commits?cursor=%00', 'cursor'],
    ['/v1/routers/a/explain?path=nat%00', 'path'],
    ['/v1/routers/a/drift?cursor=%00', 'cursor'],
    ['/v1/vms?cursor=%00', 'cursor'],
    ['/v1/operations?vm=%00', 'vm'],
  ] as const) {
    const answer = await gateway.call('GET', path);
    assert.deepEqual([answer.status, fieldsOf(answer.body)], [422, [field]], path);
  }
  for (const [method, path, body, field] of [
    ['PUT', '/v1/routers/a/drift/policies', { policies: [{ path: 'nat \0', policy: 'repair' }] }, 'policies[0].path'],
    ['POST', '/v1/routers/a/adoptions', { mappings: ['\0'] }, 'mappings[0]'],
    ['POST', '/v1/routers/a/adoptions', { all: true, names: { 'a\0': 'b' } }, 'names.a'],
  ] as const) {
    const answer = await gateway.call(method, path, { body });
    assert.deepEqual([answer.status, fieldsOf(answer.body)], [422, [field]], path);
  }
});

test('a body that is nested too deep for what reads it is refused', async (t) => {
  const gateway = await startTestGateway(t);
  const deep = `${'['.repeat(6_000)}${']'.repeat(6_000)}`;
  const plan = `{"request":{"method":"POST","path":"/v1/vms/provision","body":{"metadata":{"a":${deep}}}}}`;
  for (const headers of [{}, { 'idempotency-key': 'deep' }] as Record<string, string>[]) {
    const answer = await gateway.call('POST', '/v1/plans', { body: plan, headers });
    assert.equal(answer.status, 422, JSON.stringify(answer.body));
    assert.match(fieldsOf(answer.body)?.[0] ?? '', /^request/);
    const body = `{"vm_name":"a","metadata":{"a":${deep}}}`;
    const provision = await gateway.call('POST', '/v1/vms/provision', { body, headers });
    assert.equal(provision.status, 422);
    assert.match(fieldsOf(provision.body)?.[0] ?? '', /^metadata/);
  }
});

test('metadata of an adoption has the bounds that all metadata have', async (t) => {
  const gateway = await startTestGateway(t);
  for (const metadata of [{ a: 'x'.repeat(20_000) }, JSON.parse(`{"a":${'['.repeat(20)}${']'.repeat(20)}}`)]) {
    const answer = await gateway.call('POST', '/v1/routers/a/adoptions', { body: { all: true, metadata } });
    assert.deepEqual([answer.status, fieldsOf(answer.body)], [422, ['metadata']]);
  }
});

test('a time that nobody can tell is refused wherever one is asked for', async (t) => {
  const gateway = await startTestGateway(t);
  for (const time of [
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-23:00',
    '2016-12-31T23:59:60Z',
    '2026-02-30T00:00:00Z',
    'now',
  ]) {
    for (const [path, field] of [
      ['/v1/operations?since=', 'since'],
      ['/v1/routers/a/commits?since=', 'since'],
      ['/v1/routers/a/commits?until=', 'until'],
    ] as const) {
      const answer = await gateway.call('GET', path + encodeURIComponent(time));
      assert.equal(answer.status, 422, path + time);
      assert.deepEqual(answer.body.errors, [{ field, message: 'must be a time such as 2026-11-22T08:00:00Z' }]);
    }
  }
});
