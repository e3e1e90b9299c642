import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthService, RouterService, RouterState, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually, ownNats } from '@berth/testing';
import { answerHealth, type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';

const health = (gateway: GatewayUnderTest) => gateway.call('GET', '/v1/health', { apiKey: null });

test('the root and health are open', async (t) => {
  const gateway = await startTestGateway(t);
  await answerHealth(gateway);
  assert.deepEqual((await gateway.call('GET', '/', { apiKey: null })).body, { message: 'Berth is running.' });
  const answer = await health(gateway);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, { status: 'ok', db: 'ok', bus: 'ok', vyos: { default: 'ok' } });
});

test('a router that is away makes it degraded, each state in its own word', async (t) => {
  const gateway = await startTestGateway(t);
  const stop = await answerHealth(gateway);
  await stop.routers();
  const routers = Object.values(RouterState)
    .filter((state) => typeof state === 'number')
    .map((state) => ({ router: `r${state}`, state }));
  gateway.answer(RouterService.method.listRouters, () => ({ routers }));
  await gateway.bus.connection.flush();
  const answer = await health(gateway);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.status, 'degraded');
  assert.deepEqual(answer.body.vyos, {
    r0: 'unknown',
    r1: 'ok',
    r2: 'unreachable',
    r3: 'breaker_open',
    r4: 'unknown',
    r5: 'blocked',
    r6: 'disabled', // and one that was removed is not told of
  });
});

test('without the driver the routers it told of are unknown', async (t) => {
  const gateway = await startTestGateway(t);
  const stop = await answerHealth(gateway);
  assert.equal((await health(gateway)).body.status, 'ok');
  await stop.routers();
  const answer = await eventually(async () => {
    const { status, body } = await health(gateway);
    return body.status === 'degraded' ? { status, body } : undefined;
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body.vyos, { default: 'unknown' });
});

test('without allocator or auth, or when they cannot reach their database, it is down', async (t) => {
  for (const away of ['allocator', 'auth', 'database'] as const) {
    const gateway = await startTestGateway(t);
    const stop = await answerHealth(gateway);
    if (away === 'auth') await stop.auth();
    else await stop.allocator();
    if (away === 'database') {
      gateway.answer(VmService.method.listVms, () => {
        throw new DomainError('unavailable', 'DATABASE_UNAVAILABLE', 'The database is away.');
      });
      await gateway.bus.connection.flush();
    }
    const answer = await health(gateway);
    assert.equal(answer.status, 503, away);
    assert.deepEqual([answer.body.status, answer.body.db, answer.body.bus], ['down', 'down', 'ok'], away);
  }
});

test('without the bus it is down, said in time', async (t) => {
  const nats = await ownNats(t);
  const gateway = await startTestGateway(t, { natsUrl: nats.url });
  await nats.kill();
  const startedAt = performance.now();
  const answer = await health(gateway);
  assert.ok(performance.now() - startedAt < 4_000);
  assert.equal(answer.status, 503);
  assert.equal(answer.body.bus, 'down');
  await nats.start();
});

test('however often health is asked, the services are asked once a second', async (t) => {
  const gateway = await startTestGateway(t);
  const stop = await answerHealth(gateway);
  await stop.auth();
  let asked = 0;
  gateway.answer(AuthService.method.getApiKey, () => {
    asked++;
    throw new DomainError('not_found', 'API_KEY_NOT_FOUND', 'There is no such API key.');
  });
  await gateway.bus.connection.flush();
  await Promise.all(Array.from({ length: 20 }, () => health(gateway)));
  assert.equal(asked, 1);
});
