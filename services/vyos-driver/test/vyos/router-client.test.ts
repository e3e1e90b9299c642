import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { DomainError } from '@berth/errors';
import { type CallOptions, type RouterAddress, RouterClient } from '../../src/adapters/vyos/router-client.ts';
import type { Operation } from '../../src/domain/changes/plan.ts';
import { type Answering, sending, startTlsRouter, success, type TlsRouter } from '../support/tls-router.ts';

const key = 'a-secret-key';
const usual: CallOptions = { timeoutMs: 30_000, mayStillSend: () => true };
const operations: readonly Operation[] = [{ op: 'set', path: ['nat', 'destination', 'rule', '10', 'protocol', 'tcp'] }];

function clientOf(t: TestContext, router: TlsRouter, some: Partial<RouterAddress> = {}): RouterClient {
  const address = { host: '127.0.0.1', port: router.port, key, caFile: router.certificate, ...some };
  const client = new RouterClient(address);
  t.after(() => client.close());
  return client;
}

async function start(t: TestContext, answering: Answering = success(null)) {
  const router = await startTlsRouter(t);
  router.answer(answering);
  return { router, client: clientOf(t, router) };
}

const hanging: Answering = () => {};
const page = (title: string) => `<html>\n<head><title>${title}</title></head>\n</html>\n`;

test('a commit is one request with the key and the commands in its body', async (t) => {
  const { router, client } = await start(t);
  const { outcome, durationMs } = await client.configure(operations, usual);
  assert.deepEqual(outcome, { kind: 'applied', warnings: '' });
  assert.ok(durationMs > 0);
  assert.equal(router.requests.length, 1);
  assert.equal(router.requests[0]?.path, '/configure');
  assert.deepEqual(JSON.parse(router.requests[0]?.body ?? ''), { commands: operations, key });
  assert.ok(Number(router.requests[0]?.headers['content-length']) > 0);
});

test('reads, saves and empty commits say what they want', async (t) => {
  const { router, client } = await start(t);
  router.answer(success({ rule: {} }));
  assert.deepEqual((await client.showConfig(['nat'], usual)).outcome, { kind: 'value', data: { rule: {} } });
  router.answer(success(false));
  assert.deepEqual((await client.exists(['nat', 'source'], usual)).outcome, { kind: 'value', data: false });
  router.answer(success(''));
  assert.deepEqual((await client.save(usual)).outcome, { kind: 'saved' });
  router.answer(success(null));
  assert.equal((await client.emptyConfigure(usual)).outcome.kind, 'applied');
  assert.deepEqual(
    router.requests.map(({ path, body }) => [path, JSON.parse(body)]),
    [
      ['/retrieve', { op: 'showConfig', path: ['nat'], key }],
      ['/retrieve', { op: 'exists', path: ['nat', 'source'], key }],
      ['/config-file', { op: 'save', key }],
      ['/configure', { commands: [], key }],
    ],
  );
});

test('a commit that is to be confirmed says for how long, and the confirmation is JSON of its own', async (t) => {
  const { router, client } = await start(t);
  router.answer(success('\nInitialized commit-confirm; 3 minutes to confirm before reload\n'));
  assert.deepEqual((await client.configure(operations, { ...usual, confirmMinutes: 3 })).outcome, {
    kind: 'applied',
    warnings: '',
    unconfirmed: 'reload',
  });
  router.answer(success('Reload timer stopped\n'));
  assert.deepEqual((await client.confirm(usual)).outcome, { kind: 'confirmed' });
  assert.deepEqual(
    router.requests.map(({ path, body }) => [path, JSON.parse(body)]),
    [
      ['/configure', { commands: operations, confirm_time: 3, key }],
      ['/configure', { op: 'confirm', key }],
    ],
  );
});

test('whether new connections are taken is tried with a new one, and nothing is sent on it', async (t) => {
  const { router, client } = await start(t);
  await client.configure(operations, usual);
  assert.equal(await client.reachable(usual), true);
  assert.equal(router.requests.length, 1);
  await router.stop();
  assert.equal(await client.reachable(usual), false);
});

test('a router that is not there was not sent anything', async (t) => {
  const { router, client } = await start(t);
  await router.stop();
  const { outcome, durationMs } = await client.configure(operations, usual);
  assert.equal(outcome.kind, 'not_sent');
  assert.equal(durationMs, 0);
  assert.equal((await client.showConfig([], usual)).outcome.kind, 'away');
});

test('a certificate that nobody vouches for gets nothing', async (t) => {
  const { router } = await start(t);
  const client = clientOf(t, router, { caFile: undefined });
  const { outcome } = await client.configure(operations, usual);
  assert.equal(outcome.kind, 'not_sent');
  assert.match(outcome.kind === 'not_sent' ? outcome.text : '', /self.signed/i);
  assert.equal(router.seen.bytes, 0);
});

test('a certificate for another host gets nothing, unless it is the pinned one', async (t) => {
  const router = await startTlsRouter(t, 'another.example');
  assert.equal((await clientOf(t, router).configure(operations, usual)).outcome.kind, 'not_sent');
  assert.equal(router.seen.bytes, 0);
  for (const fingerprint of [router.fingerprint, router.fingerprint.replaceAll(':', '').toLowerCase()]) {
    const pinned = clientOf(t, router, { fingerprint, caFile: undefined });
    assert.equal((await pinned.configure(operations, usual)).outcome.kind, 'applied');
  }
});

test('another certificate than the pinned one gets nothing, though an authority vouches for it', async (t) => {
  const { router } = await start(t);
  const client = clientOf(t, router, { fingerprint: 'AB'.repeat(32) });
  const { outcome } = await client.configure(operations, usual);
  assert.equal(outcome.kind, 'not_sent');
  const seen = router.fingerprint.replaceAll(':', '').toLowerCase();
  assert.match(outcome.kind === 'not_sent' ? outcome.text : '', new RegExp(`another certificate .* ${seen}`));
  assert.equal(router.seen.bytes, 0);
});

test('whoever may not send any more sends not one byte, on a new connection as on a used one', async (t) => {
  const { router, client } = await start(t);
  const late = { ...usual, mayStillSend: () => false };
  const fenced = { kind: 'not_sent', text: 'It was too late to send.', fenced: true };
  assert.deepEqual(await client.configure(operations, late), { outcome: fenced, durationMs: 0 });
  assert.equal(router.seen.bytes, 0);

  assert.equal((await client.configure(operations, usual)).outcome.kind, 'applied');
  const { bytes } = router.seen;
  assert.deepEqual(await client.configure(operations, late), { outcome: fenced, durationMs: 0 });
  assert.deepEqual((await client.showConfig([], late)).outcome, { kind: 'away', text: fenced.text, fenced: true });
  assert.equal(router.seen.bytes, bytes);
  assert.equal(router.requests.length, 1);
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'applied');
});

test('whoever cannot tell whether he may send does not send', async (t) => {
  const { router, client } = await start(t);
  const unsure = () => {
    throw new Error('no idea');
  };
  assert.equal((await client.configure(operations, { ...usual, mayStillSend: unsure })).outcome.kind, 'not_sent');
  assert.equal(router.seen.bytes, 0);
});

test('nothing happens between the question and the writing, and the connection is open by then', async (t) => {
  const { router, client } = await start(t);
  const order: string[] = [];
  const write = Socket.prototype.write;
  t.after(() => Reflect.deleteProperty(Socket.prototype, 'write'));
  Socket.prototype.write = function watched(this: Socket, ...args: Parameters<typeof write>) {
    if (/^POST|a-secret-key/.test(String(args[0]))) order.push(this.connecting ? 'too early' : 'write');
    return write.apply(this, args);
  } as typeof write;
  const mayStillSend = () => {
    order.push('asked');
    queueMicrotask(() => order.push('microtask'));
    process.nextTick(() => order.push('tick'));
    return true;
  };
  for (const connections of [1, 1]) {
    order.length = 0;
    await client.configure(operations, { ...usual, mayStillSend });
    assert.deepEqual(order.slice(0, 3), ['asked', 'write', 'write']); // header, body
    assert.ok(order.includes('microtask') && order.includes('tick'));
    assert.equal(router.seen.connections, connections);
  }
});

test('a router that does not answer in time leaves the outcome open, and is sent nothing twice', async (t) => {
  const { router, client } = await start(t, hanging);
  const { outcome } = await client.configure(operations, { ...usual, timeoutMs: 150 });
  assert.deepEqual(outcome, { kind: 'unclear', text: 'no answer within 150 ms' });
  assert.equal(router.requests.length, 1);
  router.answer(success(null));
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'applied');
  assert.equal(router.requests.length, 2);
});

test('a connection that breaks after the request leaves the outcome open', async (t) => {
  const { router, client } = await start(t, (request) => request.socket.destroy());
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'unclear');
  assert.equal((await client.save(usual)).outcome.kind, 'away');
  router.answer((request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"success": tr', () => request.socket.destroy());
  });
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'unclear');
  assert.equal(router.requests.length, 3);
});

test('an answer that trickles has to be whole in time', async (t) => {
  const { client } = await start(t, (_request, response) => {
    const timer = setInterval(() => response.write(' '), 10);
    response.on('close', () => clearInterval(timer));
  });
  assert.equal((await client.configure(operations, { ...usual, timeoutMs: 200 })).outcome.kind, 'unclear');
});

test('pages of the proxy in front are no answers', async (t) => {
  const { client } = await start(t, sending(502, page('502 Bad Gateway')));
  assert.deepEqual((await client.configure(operations, usual)).outcome, {
    kind: 'unclear',
    text: 'The router answered 502 with the page "502 Bad Gateway".',
  });
  assert.equal((await client.showConfig([], usual)).outcome.kind, 'away');
});

test('the key comes out in no text, whatever the router echoes', async (t) => {
  const { router, client } = await start(t);
  for (const echo of [
    sending(400, { success: false, error: `{'type': 'missing', 'input': {'key': '${key}'}}`, data: null }),
    sending(400, { success: false, error: `Malformed command '{"key": "${key}"}': missing 'path' field`, data: null }),
    sending(500, `<html>${key}</html>`),
    sending(200, { success: true, data: `WARNING: ${key}`, error: null }),
  ]) {
    router.answer(echo);
    const outcomes = [
      await client.configure(operations, usual),
      await client.save(usual),
      await client.exists(['nat'], usual),
    ];
    const said = JSON.stringify(outcomes.slice(0, 2));
    assert.ok(!said.includes(key), said);
  }
});

test('requests in a row share a connection, and one that the router dropped meanwhile is opened again', async (t) => {
  const { router, client } = await start(t);
  await client.configure(operations, usual);
  await client.configure(operations, usual);
  assert.equal(router.seen.connections, 1);
  await router.hangUp();
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'applied');
  assert.equal(router.seen.connections, 2);
});

test('a second request while one is on its way is a mistake of the caller', async (t) => {
  const { router, client } = await start(t, hanging);
  const first = client.configure(operations, { ...usual, timeoutMs: 300 });
  const overlap = (error: unknown) => error instanceof DomainError && error.code === 'ROUTER_REQUEST_OVERLAP';
  await assert.rejects(client.exists(['nat'], usual), overlap);
  assert.equal((await first).outcome.kind, 'unclear');
  assert.equal(router.requests.length, 1);
});

test('exists of nothing, which ends the router’s API, is never sent', async (t) => {
  const { router, client } = await start(t);
  const empty = (error: unknown) => error instanceof DomainError && error.code === 'ROUTER_PATH_EMPTY';
  await assert.rejects(client.exists([], usual), empty);
  assert.equal(router.seen.connections, 0);
});

test('the version is asked in the way that the router has', async (t) => {
  const { router, client } = await start(t);
  const ask = (info: Answering, show: Answering, rest: Answering = success(false)) => {
    router.answer((request, response, body) => {
      const how = request.url === '/info' ? info : request.url === '/show' ? show : rest;
      how(request, response, body);
    });
    return client.version(usual);
  };
  const missing = sending(404, page('404 Not Found'));
  const shown = success('Version:          VyOS 1.4.0\nRelease train:    sagitta\n');
  assert.equal(
    await ask(sending(200, { version: '2025.11.02-0020-rolling', hostname: 'vyos', banner: '' }), missing),
    '2025.11.02-0020-rolling',
  );
  assert.equal(await ask(success({ version: 'VyOS 1.5-stream' }), missing), '1.5-stream');
  assert.equal(await ask(missing, shown), '1.4.0');
  assert.equal(await ask(sending(200, { version: '', hostname: '' }), shown), '1.4.0');
  assert.equal(await ask(missing, success('Traceback (most recent call last):'), success(true)), '1.5');
  assert.equal(await ask(missing, missing, success(false)), undefined);
  const before = router.requests.length;
  assert.equal(await ask(missing, shown), '1.4.0');
  assert.equal(await client.version({ ...usual, tellsInfo: false }), '1.4.0');
  const paths = router.requests.slice(before).map(({ path }) => path);
  assert.deepEqual(paths, ['/info', '/show', '/show']);
  // 1.3 while its API is down.
  const down = sending(200, { error: 'Start service in configuration mode: set service https api' });
  assert.equal(await ask(down, down, down), undefined);
  await router.stop();
  assert.equal(await client.version(usual), undefined);
});

test('closing cuts a request off', async (t) => {
  const { client } = await start(t, (_request, response) => response.flushHeaders());
  const first = client.configure(operations, usual);
  await new Promise((resolve) => setImmediate(resolve));
  await client.close();
  assert.ok(['unclear', 'not_sent'].includes((await first).outcome.kind));
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'not_sent');
});
