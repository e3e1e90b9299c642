import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { eventuallyHolds, freshDatabase, ownNats } from '@berth/testing';
import { type BerthUnderTest, startBerth } from '../src/index.ts';

/** Enough connections that each of two gateways on one port gets some of them. */
const connections = 24;
/** What the issue of a revocation may take to reach every gateway. */
const withinMs = 1_000;

test('a logout and a ban act on every gateway within a second, also after NATS was away, and after a restart of everything', async (t) => {
  const nats = await ownNats(t);
  const { url: databaseUrl } = await freshDatabase(t);
  const options = { natsUrl: nats.url, databaseUrl, replicas: 2 };
  const berth = await startBerth(t, options);
  const ann = await newUser(berth, 'ann');
  const bob = await newUser(berth, 'bob');

  const first = await signIn(berth, ann);
  await allAnswer(berth, first.access, 200);
  const signedOut = await berth.api.post('/v1/auth/logout', { refresh_token: first.refresh }, { apiKey: null });
  assert.equal(signedOut.status, 204);
  await allAnswerWithin(berth, first.access, 401, withinMs);
  await allAnswer(berth, first.access, 401);

  const second = await signIn(berth, ann);
  const other = await signIn(berth, bob);
  await nats.kill();
  await eventuallyHolds(async () => assert.deepEqual(new Set(await statuses(berth, second.access)), new Set([503])), {
    timeoutMs: 5_000,
  });
  await nats.start();
  await eventuallyHolds(async () => assert.deepEqual(new Set(await statuses(berth, second.access)), new Set([200])), {
    timeoutMs: 20_000,
  });
  await allAnswer(berth, first.access, 401);

  const banned = await berth.api.post(`/v1/admin/users/${ann.id}/ban`, { reason: 'test' });
  assert.ok(banned.status < 300, JSON.stringify(banned.body));
  await allAnswerWithin(berth, second.access, 401, withinMs);
  await allAnswer(berth, other.access, 200);

  await berth.system.stop();
  const again = await startBerth(t, { ...options, subjectPrefix: berth.subjectPrefix, stateFolder: berth.stateFolder });
  await allAnswer(again, other.access, 200);
  for (const revoked of [first, second]) await allAnswer(again, revoked.access, 401);
  const refused = await again.api.post('/v1/auth/refresh', { refresh_token: second.refresh }, { apiKey: null });
  assert.equal(refused.status, 401);
});

interface Person {
  readonly id: string;
  readonly name: string;
  readonly password: string;
}

async function newUser({ api }: BerthUnderTest, name: string): Promise<Person> {
  const password = `correct-horse-${name}-battery-staple`;
  const made = await api.post('/v1/admin/users', { name, email: `${name}@example.org`, password, groups: ['viewer'] });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return { id: made.body.id, name, password };
}

async function signIn({ api }: BerthUnderTest, { name, password }: Person) {
  const { status, body } = await api.post('/v1/auth/token', { username: name, password }, { apiKey: null });
  assert.equal(status, 200, JSON.stringify(body));
  return { access: String(body.access_token), refresh: String(body.refresh_token) };
}

/** What a token is answered on many connections of their own, so that every gateway is asked. */
const statuses = (berth: BerthUnderTest, token: string): Promise<number[]> =>
  Promise.all(Array.from({ length: connections }, () => statusOnOwnConnection(berth.system.api, token)));

async function statusOnOwnConnection(api: string, token: string): Promise<number> {
  const asked = request(`${api}/v1/vms`, { agent: false, headers: { authorization: `Bearer ${token}` } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode ?? 0;
}

async function allAnswer(berth: BerthUnderTest, token: string, status: number): Promise<void> {
  assert.deepEqual(new Set(await statuses(berth, token)), new Set([status]));
}

/** All of them answer so from some moment within the time on; measured from now, with what asking itself takes. */
async function allAnswerWithin(berth: BerthUnderTest, token: string, status: number, ms: number): Promise<void> {
  await eventuallyHolds(() => allAnswer(berth, token, status), { timeoutMs: ms });
}
