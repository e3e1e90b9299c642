import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthService, subjectOfMethod } from '@berth/contracts';
import { DomainError, isKind } from '@berth/errors';
import { ConfigError, currentRequest, inRequest } from '@berth/service-kit';
import { eventually, ownNats, testNats } from '@berth/testing';
import { connectBus, request, serve } from '../src/index.ts';
import { metric, newWorld } from './world.ts';

const { verifyApiKey: method, listApiKeys } = AuthService.method;
const timeoutMs = 20_000;

/** An answer that the test gives when it wants to. */
const gate = () => Promise.withResolvers<void>();

test('an answer, an error with all that the caller may see, and an unforeseen failure come back', async (t) => {
  const world = await newWorld(t);
  const [server, caller] = [await world.bus(), await world.bus()];
  serve(server, method, async ({ apiKey }) => {
    if (apiKey === 'named') {
      throw new DomainError('conflict', 'TEST_CODE', 'Said so.', {
        fields: [{ field: 'api_key', message: 'is wrong' }],
        retryAfterSeconds: 7,
        operationId: 'op-1',
        secret: 'not for the caller',
      });
    }
    if (apiKey === 'unforeseen') throw new TypeError('secret internals');
    return { principal: { name: apiKey } };
  });
  await server.ping();
  const ask = (apiKey: string) => request(caller, method, { apiKey }, { timeoutMs });
  assert.equal((await ask('hello')).principal?.name, 'hello');
  await assert.rejects(ask('named'), (error) => {
    assert.ok(isKind(error, 'conflict'));
    assert.deepEqual([error.code, error.message], ['TEST_CODE', 'Said so.']);
    assert.deepEqual(error.details, {
      fields: [{ field: 'api_key', message: 'is wrong' }],
      retryAfterSeconds: 7,
      operationId: 'op-1',
    });
    return true;
  });
  await assert.rejects(ask('unforeseen'), (error) => isKind(error, 'bug') && !error.message.includes('internals'));
  assert.match(world.logged(), /secret internals/, 'the log has what the caller must not see');
  const count = (outcome: string) =>
    metric(server.registry, `berth_bus_serve_seconds_count{method="VerifyApiKey",outcome="${outcome}"}`);
  assert.deepEqual([await count('ok'), await count('conflict'), await count('bug')], [1, 1, 1]);
});

test('who asks travels beside a message that does not say so', async (t) => {
  const world = await newWorld(t);
  const [server, caller] = [await world.bus(), await world.bus()];
  const seen: (string | undefined)[] = [];
  serve(server, method, async (_, context) => {
    seen.push(context?.principal?.name);
    return {};
  });
  await server.ping();
  await request(caller, method, {}, { timeoutMs, context: { principal: { name: 'Zoë' } } });
  await request(caller, method, {}, { timeoutMs });
  assert.deepEqual(seen, ['Zoë', undefined]);
});

test('a request that cannot be read is refused, not dropped', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  serve(bus, method, async () => ({}));
  const reply = await bus.connection.request(subjectOfMethod(world.prefix, method), new Uint8Array([255, 255, 255]));
  assert.equal(reply.headers?.get('Berth-Status'), 'error');
  assert.match(reply.string(), /MALFORMED_COMMAND/);
});

test('nobody there is told at once and surely nothing happened; no answer in time may have happened', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  await assert.rejects(request(bus, method, {}, { timeoutMs: 1_000_000 }), (error) => {
    assert.ok(isKind(error, 'unavailable'));
    assert.deepEqual([error.code, error.details['sent']], ['SERVICE_UNAVAILABLE', false]);
    return true;
  });
  const { promise, resolve } = gate();
  serve(bus, method, async () => {
    await promise;
    return {};
  });
  await assert.rejects(request(bus, method, {}, { timeoutMs: 100 }), (error) => {
    assert.ok(isKind(error, 'unavailable'));
    assert.deepEqual([error.code, error.details['sent'], error.details['timedOut']], ['NO_ANSWER', true, true]);
    return true;
  });
  resolve();
});

test('replicas share requests: each is answered by one', async (t) => {
  const world = await newWorld(t);
  const [one, two, caller] = [await world.bus(), await world.bus(), await world.bus()];
  const served = { one: 0, two: 0 };
  serve(one, method, async () => {
    served.one++;
    return {};
  });
  serve(two, method, async () => {
    served.two++;
    return {};
  });
  await Promise.all([one.ping(), two.ping()]);
  await Promise.all(Array.from({ length: 100 }, () => request(caller, method, {}, { timeoutMs })));
  assert.equal(served.one + served.two, 100);
  assert.ok(served.one > 10 && served.two > 10);
});

test('a drain takes no new requests first, then answers the one in work, which may still ask others', async (t) => {
  const world = await newWorld(t);
  const [server, other, caller] = [await world.bus(), await world.bus(), await world.bus()];
  const { promise, resolve } = gate();
  const began = gate();
  serve(other, listApiKeys, async () => ({ nextPageToken: 'from another' }));
  serve(server, method, async () => {
    began.resolve();
    await promise;
    const { nextPageToken } = await request(server, listApiKeys, {}, { timeoutMs });
    return { principal: { name: nextPageToken } };
  });
  await Promise.all([other.ping(), server.ping()]);
  const answer = request(caller, method, {}, { timeoutMs });
  await began.promise;
  const drained = server.drain();
  await eventually(() =>
    request(caller, method, {}, { timeoutMs: 200 }).then(
      () => false,
      (error) => isKind(error, 'unavailable') && error.code === 'SERVICE_UNAVAILABLE',
    ),
  );
  assert.equal(server.connection.isClosed(), false);
  resolve();
  assert.equal((await answer).principal?.name, 'from another');
  await drained;
  assert.equal(server.connection.isClosed(), true);
  await assert.rejects(
    request(server, method, {}, { timeoutMs }),
    (error) => isKind(error, 'unavailable') && error.details['sent'] === false,
  );
});

test('the stop of one method waits for its request in work and leaves the others alone', async (t) => {
  const world = await newWorld(t);
  const [server, caller] = [await world.bus(), await world.bus()];
  const { promise, resolve } = gate();
  const began = gate();
  const stop = serve(server, method, async () => {
    began.resolve();
    await promise;
    return {};
  });
  serve(server, listApiKeys, async () => ({}));
  await server.ping();
  const answer = request(caller, method, {}, { timeoutMs });
  await began.promise;
  let stopped = false;
  const stopping = stop().then(() => {
    stopped = true;
  });
  await request(caller, listApiKeys, {}, { timeoutMs });
  assert.equal(stopped, false);
  resolve();
  await Promise.all([answer, stopping]);
});

test('an answer that is too large for the server becomes an error of ours, and the connection lives on', async (t) => {
  const world = await newWorld(t);
  const [server, caller] = [await world.bus(), await world.bus()];
  serve(server, method, async ({ apiKey }) => ({ principal: { name: 'x'.repeat(Number(apiKey)) } }));
  await server.ping();
  await assert.rejects(
    request(caller, method, { apiKey: '3000000' }, { timeoutMs }),
    (error) => isKind(error, 'bug') && error.code === 'ANSWER_TOO_LARGE',
  );
  assert.equal((await request(caller, method, { apiKey: '3' }, { timeoutMs })).principal?.name, 'xxx');
});

test('the id of the request travels with the command', async (t) => {
  const world = await newWorld(t);
  const [server, caller] = [await world.bus(), await world.bus()];
  serve(server, method, async () => ({ principal: { name: currentRequest()?.requestId ?? 'none' } }));
  await server.ping();
  const ask = () => request(caller, method, {}, { timeoutMs });
  assert.equal((await inRequest({ requestId: 'r-42' }, ask)).principal?.name, 'r-42');
  assert.equal((await ask()).principal?.name, 'none');
});

test('refused credentials stop the start with the reason and without the password', async (t) => {
  const world = await newWorld(t);
  const url = new URL((await testNats()).url);
  url.password = 'wrong-password';
  await assert.rejects(
    connectBus({ url: url.href, prefix: world.prefix, name: 'test', log: world.log }),
    (error) =>
      error instanceof ConfigError && /refuses these credentials/.test(error.message) && !/wrong/.test(error.message),
  );
});

test('a server that is not there yet is waited for, and the log says so', async (t) => {
  const nats = await ownNats(t);
  const world = await newWorld(t, nats);
  await nats.stop();
  const connecting = world.bus();
  await eventually(() => world.logged().includes('waiting for the bus'));
  await nats.start();
  await (await connecting).ping();
});
