import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { PoolService } from '@berth/contracts';
import { eventually } from '@berth/testing';
import type { DescMethod, DescMethodUnary } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import { failureOf, type GrpcSide, startGrpcSide } from '../support/grpc-side.ts';
import { playFacts } from '../support/played-facts.ts';

const { method } = PoolService;
const isUnary = (one: DescMethod): one is DescMethod & DescMethodUnary => one.methodKind === 'unary';
const unaryMethods = PoolService.methods.filter(isUnary);

test('nothing but health and reflection can be reached without a key', async (t) => {
  const reached: string[] = [];
  const side = await startGrpcSide(t, {
    async *watchPools() {
      reached.push('watchPools');
      yield {};
    },
  });
  const client = side.client();
  for (const one of unaryMethods) {
    const failure = await client.failure(one, {}, { apiKey: null });
    assert.equal(failure.code, 'UNAUTHENTICATED', one.name);
    const because = { reason: 'CREDENTIALS_MISSING', domain: 'berth', metadata: {} };
    assert.deepEqual(failure.details['google.rpc.ErrorInfo'], because);
  }
  const refused = client.stream(method.watchPools, {}, { apiKey: null });
  await assert.rejects(async () => {
    for await (const _ of refused);
  }, /UNAUTHENTICATED/);
  assert.deepEqual(reached, []);
  assert.equal(side.auth.asked, 0);
});

test('a key is taken as x-api-key and as a bearer; two that differ, another scheme and an unknown key are refused', async (t) => {
  const side = await startGrpcSide(t);
  const client = side.client();
  const withKeys = (metadata: Record<string, string>) => ({ apiKey: null, metadata });
  await client.call(method.getPool, {}, withKeys({ 'x-api-key': 'viewer-1' }));
  await client.call(method.getPool, {}, withKeys({ authorization: 'Bearer viewer-1' }));
  for (const [metadata, reason] of [
    [{ 'x-api-key': 'unknown-key' }, 'API_KEY_INVALID'],
    [{ 'x-api-key': 'a b' }, 'API_KEY_INVALID'],
    [{ authorization: 'Basic dmlld2VyLTE=' }, 'CREDENTIALS_MISSING'],
    [{ authorization: 'Bearer viewer-2', 'x-api-key': 'viewer-1' }, 'CREDENTIALS_DIFFER'],
  ] as const) {
    const failure = await client.failure(method.getPool, {}, withKeys(metadata));
    assert.equal(failure.code, 'UNAUTHENTICATED');
    assert.equal(Object(failure.details['google.rpc.ErrorInfo']).reason, reason);
    assert.doesNotMatch(JSON.stringify(failure), /viewer-|unknown-key/);
  }
  assert.doesNotMatch(JSON.stringify(side.logged), /unknown-key|dmlld2VyLTE/);
});

test('viewers and operators read pools, only admins change them; bytes are not looked at before', async (t) => {
  const client = (await startGrpcSide(t)).client();
  for (const one of unaryMethods) {
    const reads = /^(Get|List|Explain)/.test(one.name);
    for (const apiKey of ['viewer-1', 'operator-1']) {
      if (reads) await client.call(one, {}, { apiKey });
      else {
        const failure = await client.failure(one, Buffer.from('no message'), { apiKey });
        assert.equal(failure.code, 'PERMISSION_DENIED', one.name);
        assert.match(failure.message, /pools:write/);
      }
    }
    await client.call(one, {}, { apiKey: 'admin-1' });
  }
});

test('when auth is away a call is UNAVAILABLE and says when to try again', async (t) => {
  const client = (await startGrpcSide(t, {}, { auth: false })).client();
  const failure = await client.failure(method.getPool, {});
  assert.equal(failure.code, 'UNAVAILABLE');
  assert.ok(Object(failure.details['google.rpc.RetryInfo']).retryDelay.seconds > 0n);
});

test('a revoked key is refused once that is told', async (t) => {
  const side = await startGrpcSide(t);
  const tell = await keyTeller(side);
  const client = side.client();
  const apiKey = 'viewer-1';
  await client.call(method.getPool, {}, { apiKey });
  side.auth.ended.add(apiKey);
  await client.call(method.getPool, {}, { apiKey });
  assert.equal(side.auth.asked, 1, 'the cache still believed it');
  tell(apiKey);
  await eventually(async () => {
    const refused = client.failure(method.getPool, {}, { apiKey }).catch(() => undefined);
    return (await refused)?.code === 'UNAUTHENTICATED';
  });
});

/** Tells that a key has changed, to an allocator that has read the facts. */
async function keyTeller(side: GrpcSide): Promise<(id: string) => void> {
  const { tell } = await playFacts(side.bus, { case: 'limits', value: { rules: '' } });
  await eventually(() => side.access.isCurrent());
  return (id) => tell({ case: 'apiKey', value: { id, userId: '' } });
}

/** A watch that lasts, of a key; and how it ends. */
async function lastingWatch(side: GrpcSide, apiKey: string) {
  const stream = side.client().stream(method.watchPools, {}, { apiKey });
  const failed = once(stream, 'error').then(([error]) => failureOf(error as ServiceError));
  await once(stream, 'data');
  return { ended: failed };
}

async function* untilAborted(_: unknown, _call: unknown, signal: AbortSignal) {
  yield {};
  if (!signal.aborted) await once(signal, 'abort');
}

test('a watch ends with its key: when it is revoked, at its own end, and when it may something else', async (t) => {
  const side = await startGrpcSide(t, { watchPools: untilAborted });
  const tell = await keyTeller(side);
  const others = await lastingWatch(side, 'viewer-others');

  const revoked = await lastingWatch(side, 'viewer-revoked');
  side.auth.ended.add('viewer-revoked');
  tell('viewer-revoked');
  assert.equal((await revoked.ended).code, 'UNAUTHENTICATED');

  side.auth.expiry.set('viewer-short', new Date(Date.now() + 1_500));
  const short = await lastingWatch(side, 'viewer-short');
  side.auth.ended.add('viewer-short'); // as auth answers from the key's end on
  assert.equal((await short.ended).code, 'UNAUTHENTICATED');

  const moved = await lastingWatch(side, 'viewer-moved');
  side.auth.groups.set('viewer-moved', 'blue');
  tell('viewer-moved');
  const failure = await moved.ended;
  assert.deepEqual([failure.code, failure.message], ['UNAVAILABLE', 'What this key may do has changed. Call again.']);

  side.auth.ended.add('viewer-others');
  tell('viewer-others');
  assert.equal((await others.ended).code, 'UNAUTHENTICATED', 'it lasted until then');
});

test('a watch whose key cannot be asked about after the connection was lost ends with UNAVAILABLE', async (t) => {
  const side = await startGrpcSide(t, { watchPools: untilAborted });
  const { ended } = await lastingWatch(side, 'viewer-1');
  await side.auth.leave();
  await side.bus.connection.reconnect();
  assert.equal((await ended).code, 'UNAVAILABLE');
});

test('who calls too often is told when to call again; others, and strangers, are counted apart', async (t) => {
  const client = (await startGrpcSide(t, {}, { callsPerSecond: 3 })).client();
  const often = async (apiKey: string) => {
    const calls = Array.from({ length: 12 }, () =>
      client.failure(method.getPool, {}, { apiKey }).catch(() => undefined),
    );
    return (await Promise.all(calls)).filter((failure) => failure !== undefined);
  };
  const refused = await often('viewer-1');
  assert.ok(refused.length > 0 && refused.length <= 9, String(refused.length));
  for (const { code, details } of refused) {
    assert.equal(code, 'RESOURCE_EXHAUSTED');
    assert.equal(Object(details['google.rpc.ErrorInfo']).reason, 'RATE_LIMITED');
    assert.ok(Object(details['google.rpc.RetryInfo']).retryDelay.seconds > 0n);
  }
  await client.call(method.getPool, {}, { apiKey: 'viewer-2' });
  const codes = (await often('nobody')).map(({ code }) => code);
  assert.deepEqual([...new Set(codes)].sort(), ['RESOURCE_EXHAUSTED', 'UNAUTHENTICATED']);
});

test('a key that may be used from some networks is unknown from elsewhere', async (t) => {
  const side = await startGrpcSide(t);
  const client = side.client();
  side.auth.networks.set('viewer-here', ['127.0.0.0/8', '::1/128']);
  side.auth.networks.set('viewer-elsewhere', ['192.0.2.0/24']);
  await client.call(method.getPool, {}, { apiKey: 'viewer-here' });
  const failure = await client.failure(method.getPool, {}, { apiKey: 'viewer-elsewhere' });
  assert.equal(failure.code, 'UNAUTHENTICATED');
  const because = { reason: 'API_KEY_INVALID', domain: 'berth', metadata: {} };
  assert.deepEqual(failure.details['google.rpc.ErrorInfo'], because);
});
