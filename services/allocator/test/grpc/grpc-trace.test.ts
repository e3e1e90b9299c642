import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolService } from '@berth/contracts';
import { startTracing } from '@berth/service-kit';
import { receiveSpans } from '@berth/testing';
import type { PoolCall } from '../../src/adapters/pools/pool-handlers.ts';
import { startGrpcSide } from '../support/grpc-side.ts';

const { method } = PoolService;

test("a call goes on with its caller's trace, hands it to the use case, and names it in the log", async (t) => {
  const received = await receiveSpans(t);
  const flush = await startTracing('test', process.env);
  const calls: PoolCall[] = [];
  const side = await startGrpcSide(t, {
    async getPool(_, call) {
      calls.push(call);
      return {};
    },
    async *watchPools(_, call) {
      calls.push(call);
      yield {};
    },
  });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const options = { metadata: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } };
  const client = side.client();
  await client.call(method.getPool, {}, options);
  for await (const _ of client.stream(method.watchPools, {}, options));
  await flush();
  const spans = received.filter(({ name }) => name.startsWith('berth.allocator.v1.PoolService/'));
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['berth.allocator.v1.PoolService/GetPool', 'berth.allocator.v1.PoolService/WatchPools'],
  );
  for (const [at, span] of spans.entries()) {
    assert.deepEqual([span.traceId, span.parentSpanId, span.kind], [traceId, 'b7ad6b7169203331', 2]);
    assert.equal(calls[at]?.traceparent, `00-${traceId}-${span.spanId}-01`);
    const code = span.attributes.find(({ key }) => key === 'rpc.grpc.status_code');
    assert.equal(Number(code?.value['intValue']), 0);
  }
  const lines = side.logged.filter(({ msg }) => msg === 'call');
  assert.deepEqual(new Set(lines.map((line) => line['traceId'])), new Set([traceId]));
});
