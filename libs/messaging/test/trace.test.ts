import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { AuthService } from '@berth/contracts';
import { currentRequest, inRequest, startTracing } from '@berth/service-kit';
import { eventually } from '@berth/testing';
import { trace } from '@opentelemetry/api';
import { request, serve } from '../src/index.ts';
import { message, newWorld } from './world.ts';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
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

test('one trace and one request id lead from the caller over the command and the outbox to the consumer', async (t) => {
  const { sent } = await startTracingHere(t);
  const world = await newWorld(t);
  const [server, caller] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(server);
  serve(server, AuthService.method.verifyApiKey, async () => {
    await outbox.transaction(async (_sql, send) => send(message('traced')));
    return {};
  });
  await server.ping();
  const requests: (string | undefined)[] = [];
  world.consume(caller, { handle: async () => void requests.push(currentRequest()?.requestId) });

  await trace.getTracer('test').startActiveSpan('http request', async (span) => {
    await inRequest({ requestId: 'r-1' }, () =>
      request(caller, AuthService.method.verifyApiKey, {}, { timeoutMs: 20_000 }),
    );
    span.end();
  });
  await eventually(() => requests.length === 1);
  assert.deepEqual(requests, ['r-1']);

  const spans = await sent();
  const named = (name: string): Span => spans.find((span) => span.name === name) ?? assert.fail(`no span ${name}`);
  const path = ['http request', 'request VerifyApiKey', 'serve VerifyApiKey', 'consume reader'].map(named);
  assert.equal(new Set(path.map(({ traceId }) => traceId)).size, 1);
  for (const [i, span] of path.slice(1).entries()) assert.equal(span.parentSpanId, path[i]?.spanId, span.name);
});
