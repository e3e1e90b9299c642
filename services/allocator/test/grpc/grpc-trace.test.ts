import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { PoolService } from '@berth/contracts';
import { startTracing } from '@berth/service-kit';
import type { PoolCall } from '../../src/adapters/pools/pool-handlers.ts';
import { startGrpcSide } from '../support/grpc-side.ts';

const { method } = PoolService;

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** A receiver of spans, and tracing towards it until `sent` is called. */
async function startTracingHere(t: TestContext): Promise<{ sent: () => Promise<Span[]> }> {
  const spans: Span[] = [];
  const receiver = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    spans.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  t.after(() => receiver.close());
  const { port } = receiver.address() as AddressInfo;
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`;
  process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
  const stop = await startTracing('test', process.env);
  return {
    async sent() {
      await stop();
      return spans;
    },
  };
}

test("a call goes on with its caller's trace, hands it to the use case, and names it in the log", async (t) => {
  const { sent } = await startTracingHere(t);
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
  const spans = (await sent()).filter(({ name }) => name.startsWith('berth.allocator.v1.PoolService/'));
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
