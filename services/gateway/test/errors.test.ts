import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { Compile } from 'typebox/compile';
import { problemSchema } from '../src/adapters/http/problem-schemas.ts';
import { type Answer, type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';

const problem = Compile(problemSchema);

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.deepEqual(problem.Errors(answer.body), []);
  assert.equal(answer.body.status, status);
  assert.equal(answer.body.code, code);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
}

test('every way of getting it wrong is answered with a problem', async (t) => {
  const gateway = await startTestGateway(t);
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    gateway.call(method, path, { body, headers });
  const provision = '/v1/vms/provision';
  assertProblem(await send('POST', provision, '{"vm_name":'), 400, 'MALFORMED_JSON');
  for (const [body, field] of [
    ['{"__proto__":{"a":1},"vm_name":"a"}', '__proto__'],
    ['{"vm_name":"a","metadata":{"constructor":{"prototype":{}}}}', 'metadata.constructor.prototype'],
  ] as const) {
    const answer = await send('POST', provision, body);
    assertProblem(answer, 422, 'INVALID_REQUEST');
    assert.deepEqual(answer.body.errors, [{ field, message: 'is a name that is not allowed' }]);
  }
  assertProblem(await send('POST', provision, 'a=b', { 'content-type': 'text/csv' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  assertProblem(await send('POST', provision, { vm_name: 'x'.repeat(1_100_000) }), 413, 'BODY_TOO_LARGE');
  assertProblem(await send('GET', '/v1/nothing-here'), 404, 'ROUTE_NOT_FOUND');
  assertProblem(await send('GET', '/v1/operations/%zz'), 400, 'MALFORMED_REQUEST');
  assertProblem(await send('GET', `/v1/vms/${'x'.repeat(3_000)}/ports/status`), 404, 'VM_NOT_FOUND');
  assertProblem(await send('POST', provision), 422, 'INVALID_REQUEST');
  assertProblem(await send('GET', '/v1/ports/status?colour=blue'), 422, 'INVALID_REQUEST');
  const put = await send('PUT', provision, {});
  assertProblem(put, 405, 'METHOD_NOT_ALLOWED');
  assert.equal(put.headers.get('allow'), 'POST');
  assertProblem(await send('POST', '/v1/ports/status', {}), 405, 'METHOD_NOT_ALLOWED');
});

test('a body in another encoding, or in none, is refused instead of misread', async (t) => {
  const gateway = await startTestGateway(t);
  const vm = JSON.stringify({ vm_name: 'a' });
  const post = async (body: string | Buffer, headers: Record<string, string> = {}) => {
    const response = await fetch(`${gateway.url}/v1/vms/provision`, {
      method: 'POST',
      headers: { 'x-api-key': 'admin-1', 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const latin = Buffer.from('{"vm_name":"x","metadata":{"a":"\xff\xfe"}}', 'latin1');
  assertProblem(await post(latin), 400, 'MALFORMED_JSON');
  for (const coding of ['gzip', 'identity, br', 'X-Strange']) {
    assertProblem(await post(vm, { 'content-encoding': coding }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  }
  for (const charset of ['iso-8859-1', '"UTF-16"', 'us-ascii', '']) {
    const type = `application/json; charset=${charset}`;
    assertProblem(await post(vm, { 'content-type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  }
  gateway.answer(VmService.method.provisionVm, () => {
    throw new DomainError('conflict', 'VM_NAME_TAKEN', 'Taken.');
  });
  await gateway.bus.connection.flush();
  for (const charset of ['utf-8', '"UTF-8"', 'utf8']) {
    const headers = { 'content-type': `application/json;charset=${charset}`, 'content-encoding': 'identity' };
    assertProblem(await post(`\ufeff${vm}`, headers), 409, 'VM_NAME_TAKEN');
  }
});

test('what nobody foresaw tells the caller nothing, and its trace id finds it in the log', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(VmService.method.getVm, () => ({}));
  const answer = await gateway.call('GET', '/v1/vms/web-01/ports/status', { headers: { 'x-request-id': 'mine-1' } });
  assertProblem(answer, 500, 'INTERNAL');
  const lines = gateway.logged.filter((line) => line['traceId'] === answer.body.trace_id);
  assert.ok(lines.some((line) => line['level'] === 'error' && line['requestId'] === 'mine-1'));
});

test('one line is logged for each request, without queries, bodies and keys', async (t) => {
  const gateway = await startTestGateway(t);
  await gateway.call('GET', '/v1/vms/secret-name/ports/status?secret=1', { apiKey: 'viewer-secret' });
  const lines = gateway.logged.filter((line) => line['msg'] === 'request');
  assert.equal(lines.length, 1);
  const { method, route, status, principalId } = lines[0] ?? {};
  assert.deepEqual([method, route, status], ['GET', '/v1/vms/:machine_id/ports/status', 422]);
  assert.equal(principalId, 'id-of-viewer-secret');
  assert.ok(!JSON.stringify(lines).includes('secret=1'));
});

test('a request id of the caller’s is answered and passed on; a strange one is replaced', async (t) => {
  const gateway = await startTestGateway(t);
  const heard: (string | undefined)[] = [];
  gateway.answer(VmService.method.provisionVm, ({ context }) => {
    heard.push(context?.requestId);
    throw new DomainError('conflict', 'VM_NAME_TAKEN', 'Taken.');
  });
  const send = (id: string) =>
    gateway.call('POST', '/v1/vms/provision', { body: { vm_name: 'a' }, headers: { 'x-request-id': id } });
  assert.equal((await send('req:42/a')).headers.get('x-request-id'), 'req:42/a');
  const replaced = (await send('<script>')).headers.get('x-request-id') ?? '';
  assert.match(replaced, /^[0-9a-f]{32}$/);
  assert.deepEqual(heard, ['req:42/a', replaced]);
});

test('answers carry security headers', async (t) => {
  const gateway = await startTestGateway(t);
  const { headers } = await gateway.call('GET', '/', { apiKey: null });
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('x-powered-by'), null);
});

/** Sends bytes as they are; gives back all that comes until the connection closes. */
async function talk(gateway: GatewayUnderTest, text: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('utf8');
  });
  socket.write(text);
  await once(socket, 'close');
  return heard;
}

test('an expectation that cannot be met is answered with a problem, 100-continue is met', async (t) => {
  const gateway = await startTestGateway(t);
  const request = (method: string, expect: string) =>
    talk(gateway, `${method} / HTTP/1.1\r\nHost: a\r\nExpect: ${expect}\r\nConnection: close\r\n\r\n`);
  const refused = await request('GET', '200-ok');
  assert.match(refused, /^HTTP\/1.1 417 [\s\S]*application\/problem\+json[\s\S]*"code":"EXPECTATION_FAILED"/);
  assert.match(refused, /\r\nx-request-id: /i);
  assert.match(await request('GET', '100-Continue'), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
  assert.match(await gateway.metrics.metrics(), /http_request_duration_seconds_count\{[^}]*status="417"[^}]*\} 1/);
});

test('what is not HTTP gets a problem too, and the connection is closed', async (t) => {
  const gateway = await startTestGateway(t);
  assert.match(
    await talk(gateway, 'HELLO\r\n\r\n'),
    /^HTTP\/1.1 400 [\s\S]*application\/problem\+json[\s\S]*MALFORMED_REQUEST/,
  );
  const huge = `GET / HTTP/1.1\r\nHost: a\r\nX-Huge: ${'x'.repeat(20_000)}\r\n\r\n`;
  assert.match(await talk(gateway, huge), /^HTTP\/1.1 431 [\s\S]*HEADERS_TOO_LARGE/);
});

test('requests are measured by route template, strange addresses as one', async (t) => {
  const gateway = await startTestGateway(t);
  await gateway.call('GET', '/');
  await gateway.call('GET', '/a');
  await gateway.call('GET', '/b');
  const text = await gateway.metrics.metrics();
  assert.match(text, /http_request_duration_seconds_count\{[^}]*route="\/"[^}]*status="200"[^}]*\} 1/);
  assert.match(text, /http_request_duration_seconds_count\{[^}]*route="unmatched"[^}]*status="404"[^}]*\} 2/);
});
