import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthService, permissionsOf, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually } from '@berth/testing';
import { defaultTiming } from '../src/app/operations/command-timing.ts';
import { type Actor, actors, type Outcome, type RouteRow, routeRows } from './route-access.ts';
import { type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';
import { playTokens } from './support/played-tokens.ts';

/** Nobody answers for the other services here, and that is found at once; auth answers, however busy the machine is. */
const timing = { ...defaultTiming, commandTimeoutMs: 200, answerTimeoutMs: 30_000, nobodyThereMs: 1, clockSkewMs: 1 };

const rights: Partial<Record<Actor, object>> = {
  nothing: { kind: 'api_key', permissions: [] },
  viewer: { kind: 'api_key', permissions: [...permissionsOf.viewer] },
  operator: { kind: 'api_key', permissions: [...permissionsOf.operator] },
  admin: { kind: 'api_key', permissions: [...permissionsOf.admin] },
};

type Headers = Record<string, string>;
type Actors = { readonly gateway: GatewayUnderTest; readonly tokens: Partial<Record<Actor, readonly string[]>> };

/** What each actor shows: a key, where nobody is meant to have signed in, and access tokens where somebody did. */
const credentialsOf = (actor: Actor, tokens: Actors['tokens']): Headers[] => [
  ...(actor === 'none' ? [{}] : actor === 'other' ? [] : [{ 'x-api-key': `key-of-${actor}` }]),
  ...(tokens[actor] ?? []).map((token) => ({ authorization: `Bearer ${token}` })),
];

/** A gateway whose auth is played: it knows who holds which of these keys, signs tokens, and tells what was revoked. */
async function gatewayWithActors(t: Parameters<typeof startTestGateway>[0]): Promise<Actors> {
  const gateway = await startTestGateway(t, { auth: false, timing });
  gateway.answer(AuthService.method.verifyApiKey, ({ apiKey }) => {
    const actor = apiKey.slice('key-of-'.length) as Actor;
    const held = rights[actor];
    if (held === undefined) throw new DomainError('unauthenticated', 'API_KEY_INVALID', 'This key is not valid.');
    return { principal: { id: `id-of-${actor}`, name: actor, ...held } };
  });
  const groups = ['admin'];
  const auth = await playTokens(gateway, [
    { case: 'group', value: { name: 'elsewhere', permissions: ['*'], everywhere: false } },
    { case: 'session', value: { id: 'ended' } },
    { case: 'user', value: { id: 'banned', refused: true, oldestSessionVersion: 1, permissionsVersion: 1, groups } },
    { case: 'user', value: { id: 'out', oldestSessionVersion: 2, permissionsVersion: 1, groups } },
  ]);
  const tokens = {
    other: [await auth.token({ groups: ['elsewhere'] })],
    expired: [await auth.token({ groups, expiresAt: new Date(Date.now() - 1_000) })],
    // One whose session has ended, and one whose user has ended all of them.
    revoked: [await auth.token({ groups, sessionId: 'ended' }), await auth.token({ groups, userId: 'out' })],
    banned: [await auth.token({ groups, userId: 'banned' })],
  };
  return { gateway, tokens };
}

/** What the gateway by itself makes of a request. */
const byGateway = (outcome: Outcome): string => (outcome === '401' || outcome === '403' ? outcome : 'ok');

async function got(gateway: GatewayUnderTest, { method, path }: RouteRow, headers: Headers) {
  const url = path.replaceAll(/:\w+/g, '00000000-0000-4000-8000-000000000000');
  const { status } = await eventually(async () => {
    const answer = await gateway.call(method, url, { apiKey: null, headers });
    return answer.body?.code !== 'ACCESS_STATE_STALE' && answer; // a busy machine is not what this is about
  });
  return status === 401 || status === 403 ? String(status) : 'ok';
}

test('every route has a row in the table, and the table no other', async (t) => {
  const gateway = await startTestGateway(t);
  const asText = ({ method, path, access }: Pick<RouteRow, 'method' | 'path' | 'access'>) =>
    `${method} ${path} ${access}`;
  assert.deepEqual(
    routeRows.map(asText).sort(),
    gateway.routes.map(asText).sort(),
    'a route without a line in route-access.ts, or one that needs something else than its line says',
  );
});

test('each actor gets on each route what the table says', async (t) => {
  const { gateway, tokens } = await gatewayWithActors(t);
  const wrong: string[] = [];
  const cells = routeRows.flatMap((row) =>
    actors.flatMap((actor) => credentialsOf(actor, tokens).map((headers) => ({ row, actor, headers }))),
  );
  for (let from = 0; from < cells.length; from += 20) {
    await Promise.all(
      cells.slice(from, from + 20).map(async ({ row, actor, headers }) => {
        const expected = byGateway(row.outcomes[actor]);
        const answer = await got(gateway, row, headers);
        if (answer !== expected) wrong.push(`${row.method} ${row.path}: ${actor} got ${answer}, not ${expected}`);
      }),
    );
  }
  assert.deepEqual(wrong, []);
});

test('whoever asks travels whole to the services, with every grant and the user', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const principal = {
    ...{ id: 'key-1', kind: 'api_key', name: 'ann’s', userId: 'ann', permissions: ['vms:read'], group: 'team-a' },
    ...{ sessionId: '', groups: ['team-a', 'team-b'] },
    grants: [{ group: 'team-b', permissions: ['vms:*'] }],
  };
  gateway.answer(AuthService.method.verifyApiKey, () => ({ principal }));
  const seen: unknown[] = [];
  const note = (one: unknown) => {
    const { $typeName: _, grants, ...rest } = Object(one);
    seen.push({ ...rest, grants: grants.map(({ group, permissions }: never) => ({ group, permissions })) });
  };
  gateway.answer(VmService.method.listVms, ({ principal: asker }) => {
    note(asker);
    return { vms: [] };
  });
  gateway.answer(VmService.method.decommissionVm, ({ context }) => {
    note(context?.principal);
    throw new DomainError('not_found', 'VM_NOT_FOUND', 'There is no VM "web".');
  });
  await gateway.bus.connection.flush();
  await gateway.call('GET', '/v1/vms');
  assert.equal((await gateway.call('DELETE', '/v1/vms/web/decommission')).status, 404);
  assert.deepEqual(seen, [principal, principal]);
});
