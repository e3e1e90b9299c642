import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { PoolChangeKind, PoolService, type WatchPoolsResponse } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually } from '@berth/testing';
import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import type { PoolHandlers } from '../../src/adapters/pools/pool-handlers.ts';
import { failureOf, type GrpcSide, startGrpcSide } from '../support/grpc-side.ts';

const { method } = PoolService;

/** A watch that begins and then waits for its end; tells when it has ended. */
function quietWatch(): { watchPools: PoolHandlers['watchPools']; ended: Promise<unknown> } {
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  async function* watchPools(_: unknown, _call: unknown, signal: AbortSignal) {
    try {
      yield { revision: '1', change: PoolChangeKind.BEGIN };
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      resolve(signal.reason);
    }
  }
  return { watchPools, ended };
}

const open = async (stream: ClientReadableStream<WatchPoolsResponse>): Promise<WatchPoolsResponse> =>
  (await once(stream, 'data'))[0];

const failureOfStream = async (stream: ClientReadableStream<WatchPoolsResponse>) =>
  failureOf((await once(stream, 'error'))[0] as ServiceError);

const openStreams = async (side: GrpcSide) =>
  Number(/berth_grpc_server_streams{.*method="WatchPools"} (\d+)/.exec(await side.metrics.metrics())?.[1]);

test('a watch gives what happens, in order, and its end', async (t) => {
  async function* watchPools() {
    for (let revision = 1; revision <= 3; revision++) yield { revision: String(revision) };
  }
  const side = await startGrpcSide(t, { watchPools });
  const stream = side.client().stream(method.watchPools, {}, { metadata: { 'x-request-id': 'r-1' } });
  const headers = once(stream, 'metadata');
  const seen: string[] = [];
  for await (const { revision } of stream) seen.push(revision);
  assert.deepEqual(seen, ['1', '2', '3']);
  assert.deepEqual((await headers)[0].get('x-request-id'), ['r-1']);
  assert.match(await side.metrics.metrics(), /handled_total{.*method="WatchPools",code="OK"} 1/);
});

test('a watch that the client cancels is ended behind the server too', async (t) => {
  const { watchPools, ended } = quietWatch();
  const side = await startGrpcSide(t, { watchPools });
  const stream = side.client().stream(method.watchPools, {});
  stream.on('error', () => {});
  assert.equal((await open(stream)).revision, '1');
  assert.equal(await openStreams(side), 1);
  stream.cancel();
  assert.equal(await ended, 'cancelled');
  await eventually(async () => (await openStreams(side)) === 0);
  assert.match(await side.metrics.metrics(), /handled_total{.*method="WatchPools",code="CANCELLED"} 1/);
});

test('a watch with a deadline ends at it', async (t) => {
  const { watchPools, ended } = quietWatch();
  const side = await startGrpcSide(t, { watchPools });
  const stream = side.client().stream(method.watchPools, {}, { deadlineMs: 300 });
  stream.resume();
  assert.equal((await failureOfStream(stream)).code, 'DEADLINE_EXCEEDED');
  assert.ok((await ended) instanceof DomainError);
});

test('a watch that fails midway keeps what was sent and tells why', async (t) => {
  async function* watchPools() {
    yield { revision: '1' };
    throw new DomainError('unavailable', 'DATABASE_UNAVAILABLE', 'Not now.', { retryAfterSeconds: 2 });
  }
  const stream = (await startGrpcSide(t, { watchPools })).client().stream(method.watchPools, {});
  const failed = failureOfStream(stream);
  assert.equal((await open(stream)).revision, '1');
  const failure = await failed;
  assert.equal(failure.code, 'UNAVAILABLE');
  assert.equal(Object(failure.details['google.rpc.RetryInfo']).retryDelay.seconds, 2n);
});

test('a client that does not read holds back its own watch', async (t) => {
  let made = 0;
  const most = 2_000;
  async function* watchPools() {
    for (; made < most; made++) yield { revision: 'x'.repeat(10_000) };
  }
  const stream = (await startGrpcSide(t, { watchPools })).client().stream(method.watchPools, {});
  await once(stream, 'readable');
  let before = -1;
  await eventually(
    () => {
      const still = made === before;
      before = made;
      return still;
    },
    { everyMs: 100 },
  );
  assert.ok(made < most, `${made} were made although nobody read`);
  let read = 0;
  for await (const _ of stream) read++;
  assert.equal(read, most);
});

test('a stop ends watches with UNAVAILABLE, lets calls in work finish, and takes no new ones', async (t) => {
  const { watchPools, ended } = quietWatch();
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
  const { promise: asked, resolve: tellAsked } = Promise.withResolvers<void>();
  const getPool = async () => {
    tellAsked();
    await mayAnswer;
    return { name: 'ip-pools/a' };
  };
  const side = await startGrpcSide(t, { watchPools, getPool });
  const client = side.client();
  const stream = client.stream(method.watchPools, {});
  const failed = failureOfStream(stream);
  await open(stream);
  const halfSent = client.converse('/berth.allocator.v1.PoolService/WatchPools');
  halfSent.write(Buffer.of());
  const refused = once(halfSent, 'error');
  const answer = client.call(method.getPool, {});
  await asked;
  const stopped = side.server.stop();
  assert.equal((await failed).code, 'UNAVAILABLE');
  assert.ok((await ended) instanceof DomainError);
  assert.equal((await client.failure(method.listPools, {}, { deadlineMs: 2_000 })).code, 'UNAVAILABLE');
  halfSent.end();
  assert.equal((await refused)[0].code, status.UNAVAILABLE);
  letAnswer();
  assert.equal((await answer).name, 'ip-pools/a');
  await stopped;
});
