import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetPoolRequestSchema, PoolService, ReserveRequestSchema } from '@berth/contracts';
import { DomainError, type ErrorDetails, type ErrorKind } from '@berth/errors';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { PoolCall } from '../../src/adapters/pools/pool-handlers.ts';
import { startGrpcSide } from '../support/grpc-side.ts';

const { method } = PoolService;

/** A server whose Reserve tells what it was called with. */
async function listening(t: Parameters<typeof startGrpcSide>[0], options: Parameters<typeof startGrpcSide>[2] = {}) {
  const calls: PoolCall[] = [];
  const reserve = async (_: unknown, call: PoolCall) => {
    calls.push(call);
    return { pool: 'ip-pools/a' };
  };
  const side = await startGrpcSide(t, { reserve }, options);
  const only = (): PoolCall => {
    const [call] = calls.splice(0);
    if (call === undefined) throw new Error('nothing was called');
    return call;
  };
  return { client: side.client(), only, side };
}

test('a use case gets who calls, the request id and the deadline', async (t) => {
  const { client, only } = await listening(t);
  const metadata = { 'x-request-id': 'req-7' };
  assert.equal((await client.call(method.reserve, {}, { metadata, deadlineMs: 90_000 })).pool, 'ip-pools/a');
  const call = only();
  assert.deepEqual([call.caller.id, call.caller.permissions, call.requestId], ['admin-1', ['*'], 'req-7']);
  const principal = { id: 'admin-1', kind: 'api_key', name: 'tests' };
  const { userAgent, ...author } = call.author;
  assert.deepEqual(author, { principal, clientAddress: '127.0.0.1', requestId: 'req-7' });
  assert.match(userAgent, /^grpc-node-js\//);
  assert.equal(call.key, undefined);
  const leftMs = call.deadline.getTime() - Date.now();
  assert.ok(leftMs > 60_000 && leftMs <= 90_000, String(leftMs));
  await client.call(method.reserve, {});
  const defaultMs = only().deadline.getTime() - Date.now();
  assert.ok(defaultMs > 20_000 && defaultMs <= 30_000, String(defaultMs));
});

test('the request id comes back, with an answer and with a failure', async (t) => {
  const { client } = await listening(t);
  const bytes = new Uint8Array();
  const answered = await client.send(method.reserve, bytes, { metadata: { 'x-request-id': 'mine' } });
  assert.deepEqual(answered.metadata.get('x-request-id'), ['mine']);
  const odd = await client.send(method.reserve, bytes, { metadata: { 'x-request-id': 'with blanks' } });
  assert.match(String(odd.metadata.get('x-request-id')), /^[0-9a-f]{32}$/);
  const failure = await client.failure(method.reserve, {}, { apiKey: null, metadata: { 'x-request-id': 'mine' } });
  assert.deepEqual(failure.metadata.get('x-request-id'), ['mine']);
  assert.deepEqual(failure.details['google.rpc.RequestInfo'], { requestId: 'mine', servingData: '' });
});

test('an idempotency key is bound to caller, method and content, however the content is written', async (t) => {
  const { client, only } = await listening(t);
  const useOf = async (bytes: Uint8Array, apiKey = 'admin-1') => {
    await client.send(method.reserve, bytes, { apiKey, metadata: { 'idempotency-key': 'k-1' } });
    return only().key;
  };
  const written = (...fields: [number, string][]) =>
    fields.reduce((to, [no, text]) => to.tag(no, WireType.LengthDelimited).string(text), new BinaryWriter()).finish();
  const first = await useOf(written([1, 'ip-pools/a'], [6, 'note']));
  assert.equal(first?.key, 'k-1');
  assert.match(first?.scope ?? '', /^admin-1 \/berth\.allocator\.v1\.PoolService\/Reserve$/);
  assert.equal(first?.fingerprint.length, 32);
  assert.deepEqual(await useOf(written([6, 'note'], [1, 'ip-pools/a'])), first);
  assert.notDeepEqual(await useOf(written([1, 'ip-pools/b'], [6, 'note'])), first);
  assert.equal((await useOf(written([1, 'ip-pools/a'], [6, 'note']), 'admin-2'))?.scope.startsWith('admin-2 '), true);
  for (const key of ['', 'a b', 'x'.repeat(256)]) {
    const failure = await client.failure(method.reserve, {}, { metadata: { 'idempotency-key': key } });
    assert.equal(failure.code, 'INVALID_ARGUMENT', key);
    assert.match(JSON.stringify(failure.details['google.rpc.BadRequest']), /"field":"idempotency-key"/);
  }
});

test('bytes that are no message, and fields that are not known, are refused with INVALID_ARGUMENT', async (t) => {
  const { client } = await listening(t);
  const malformed = await client.failure(method.reserve, Buffer.from([0x0a, 0xff, 0x01]));
  assert.equal(malformed.code, 'INVALID_ARGUMENT');
  assert.equal(Object(malformed.details['google.rpc.ErrorInfo']).reason, 'MALFORMED_MESSAGE');
  assert.equal((await client.failure(method.reserve, Buffer.from([0x0a, 0x01, 0xff]))).code, 'INVALID_ARGUMENT'); // not UTF-8
  const within = (field: number, bytes: Uint8Array) =>
    new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish();
  const unknownField = new BinaryWriter().tag(99, WireType.Varint).uint32(1).finish();
  const unknown = await client.failure(method.createPool, within(1, within(8, within(3, unknownField))));
  assert.equal(unknown.code, 'INVALID_ARGUMENT');
  assert.match(JSON.stringify(unknown.details['google.rpc.BadRequest']), /"field":"pool\.port\.ranges\[0\]\.99"/);
});

test('a request may be as large as the largest pool takes, and not much larger, whoever sends it', async (t) => {
  const { client } = await listening(t);
  const noting = (length: number) =>
    toBinary(ReserveRequestSchema, create(ReserveRequestSchema, { note: 'x'.repeat(length) }));
  assert.ok((await client.send(method.reserve, noting(200_000))).answer.length > 0);
  assert.equal((await client.failure(method.reserve, noting(300_000))).code, 'RESOURCE_EXHAUSTED');
  assert.equal((await client.failure(method.reserve, noting(300_000), { apiKey: null })).code, 'RESOURCE_EXHAUSTED');
});

test('every kind of failure has its status code', async (t) => {
  const kinds: readonly [ErrorKind, string, string][] = [
    ['invalid', 'INVALID_REQUEST', 'INVALID_ARGUMENT'],
    ['unauthenticated', 'API_KEY_INVALID', 'UNAUTHENTICATED'],
    ['forbidden', 'PERMISSION_DENIED', 'PERMISSION_DENIED'],
    ['not_found', 'VM_NOT_FOUND', 'NOT_FOUND'],
    ['conflict', 'ADDRESS_TAKEN', 'ALREADY_EXISTS'],
    ['conflict', 'IDEMPOTENCY_KEY_RUNNING', 'FAILED_PRECONDITION'],
    ['precondition_failed', 'VERSION', 'ABORTED'],
    ['unprocessable', 'IDEMPOTENCY_KEY_REUSED', 'INVALID_ARGUMENT'],
    ['too_large', 'BODY_TOO_LARGE', 'OUT_OF_RANGE'],
    ['exhausted', 'POOL_EXHAUSTED', 'RESOURCE_EXHAUSTED'],
    ['rate_limited', 'RATE_LIMITED', 'RESOURCE_EXHAUSTED'],
    ['rejected', 'ROUTER_REFUSED', 'FAILED_PRECONDITION'],
    ['unavailable', 'DATABASE_UNAVAILABLE', 'UNAVAILABLE'],
    ['unavailable', 'DEADLINE_PASSED', 'DEADLINE_EXCEEDED'],
  ];
  let failWith = new Error();
  const side = await startGrpcSide(t, { getPool: () => Promise.reject(failWith) });
  const client = side.client();
  for (const [kind, code, expected] of kinds) {
    failWith = new DomainError(kind, code, `It is ${kind}.`);
    const failure = await client.failure(method.getPool, {});
    assert.deepEqual([failure.code, failure.message], [expected, `It is ${kind}.`]);
    assert.equal(Object(failure.details['google.rpc.ErrorInfo']).reason, code);
  }
});

test('what goes with a failure reaches a client as typed details, and stays small enough for trailers', async (t) => {
  let details: ErrorDetails = {
    fields: [{ field: 'pool.ip.ranges[0].last', message: 'is before first – “é”' }],
    retryAfterSeconds: 1.2,
    operationId: 'op-1',
    resource: { type: 'pool', name: 'ip-pools/a' },
    sql: 'SELECT secret',
  };
  const getPool = () => Promise.reject(new DomainError('invalid', 'INVALID_REQUEST', 'Wrong – “é”.', details));
  const client = (await startGrpcSide(t, { getPool })).client();
  const failure = await client.failure(method.getPool, {}, { metadata: { 'x-request-id': 'r' } });
  assert.equal(failure.message, 'Wrong – “é”.');
  assert.equal(Object(failure.details['google.rpc.RetryInfo']).retryDelay.seconds, 2n);
  assert.deepEqual(failure.details['google.rpc.ErrorInfo'], {
    reason: 'INVALID_REQUEST',
    domain: 'berth',
    metadata: { operation_id: 'op-1' },
  });
  const { resourceType, resourceName } = Object(failure.details['google.rpc.ResourceInfo']);
  assert.deepEqual([resourceType, resourceName], ['pool', 'ip-pools/a']);
  const { fieldViolations } = Object(failure.details['google.rpc.BadRequest']);
  assert.deepEqual(
    [fieldViolations[0].field, fieldViolations[0].description],
    ['pool.ip.ranges[0].last', 'is before first – “é”'],
  );
  assert.doesNotMatch(String(failure.metadata.get('grpc-status-details-bin')), /SELECT/);
  details = { fields: Array.from({ length: 5_000 }, (_, at) => ({ field: `ports[${at}]`, message: 'wrong' })) };
  const many = await client.failure(method.getPool, {});
  assert.equal(many.code, 'INVALID_ARGUMENT');
  assert.equal(Object(many.details['google.rpc.BadRequest']).fieldViolations.length, 20);
});

test('a failure that nobody foresaw tells the caller nothing and the log everything, once', async (t) => {
  const getPool = () => Promise.reject(new Error('disk 7 is on fire'));
  const side = await startGrpcSide(t, { getPool });
  const failure = await side.client().failure(method.getPool, {}, { metadata: { 'x-request-id': 'r-9' } });
  assert.equal(failure.code, 'INTERNAL');
  assert.doesNotMatch(JSON.stringify(failure), /disk/);
  const told = side.logged.filter((line) => JSON.stringify(line).includes('disk 7'));
  assert.equal(told.length, 1);
  assert.equal(told[0]?.['requestId'], 'r-9');
});

test('a call ends at its deadline, or at the default one, and is counted as that', async (t) => {
  const { promise: never, resolve: release } = Promise.withResolvers<object>();
  t.after(() => release({})); // before the server's stop, which waits for what is in work
  const side = await startGrpcSide(t, { getPool: () => never, listPools: () => never }, { defaultDeadlineMs: 100 });
  const client = side.client();
  assert.equal((await client.failure(method.getPool, {}, { deadlineMs: 100 })).code, 'DEADLINE_EXCEEDED');
  const byDefault = await client.failure(method.listPools, {});
  assert.equal(byDefault.code, 'DEADLINE_EXCEEDED');
  assert.equal(Object(byDefault.details['google.rpc.ErrorInfo']).reason, 'DEADLINE_EXCEEDED');
  for (const name of ['GetPool', 'ListPools']) {
    assert.match(
      await side.metrics.metrics(),
      new RegExp(`handled_total{.*method="${name}",code="DEADLINE_EXCEEDED"} 1`),
    );
  }
});

test('calls are measured and logged by method and code, without keys', async (t) => {
  const { client, side } = await listening(t);
  await client.call(method.reserve, {}, { apiKey: 'admin-secret' });
  await client.failure(method.reserve, {}, { apiKey: 'viewer-secret', metadata: { 'x-request-id': 'r-1' } });
  const page = await side.metrics.metrics();
  const labels = 'service="berth.allocator.v1.PoolService",method="Reserve"';
  for (const line of [
    `berth_grpc_server_handled_total{${labels},code="OK"} 1`,
    `berth_grpc_server_handled_total{${labels},code="PERMISSION_DENIED"} 1`,
    `berth_grpc_server_seconds_count{${labels}} 2`,
  ]) {
    assert.ok(page.includes(line), line);
  }
  const lines = side.logged.filter(({ msg }) => msg === 'call');
  assert.deepEqual(
    lines.map(({ method: name, code }) => [name, code]),
    [
      ['Reserve', 'OK'],
      ['Reserve', 'PERMISSION_DENIED'],
    ],
  );
  assert.equal(lines[1]?.['requestId'], 'r-1');
});

test('an empty message is a message', async (t) => {
  const { client } = await listening(t);
  assert.equal(toBinary(GetPoolRequestSchema, create(GetPoolRequestSchema)).length, 0);
  await client.call(method.getPool, {});
});
