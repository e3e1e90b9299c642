import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthService } from '@berth/contracts';
import { currentRequest, inRequest, startTracing } from '@berth/service-kit';
import { eventually, receiveSpans, type Span } from '@berth/testing';
import { trace } from '@opentelemetry/api';
import { request, serve } from '../src/index.ts';
import { message, newWorld } from './world.ts';

test('one trace and one request id lead from the caller over the command and the outbox to the consumer', async (t) => {
  const spans = await receiveSpans(t);
  const flush = await startTracing('test', process.env);
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

  await flush();
  const named = (name: string): Span => spans.find((span) => span.name === name) ?? assert.fail(`no span ${name}`);
  const path = ['http request', 'request VerifyApiKey', 'serve VerifyApiKey', 'consume reader'].map(named);
  assert.equal(new Set(path.map(({ traceId }) => traceId)).size, 1);
  for (const [i, span] of path.slice(1).entries()) assert.equal(span.parentSpanId, path[i]?.spanId, span.name);
});
