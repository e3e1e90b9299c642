import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandContext, GroupService, UserAdminService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';

const { method: users } = UserAdminService;
const { method: groups } = GroupService;
const id = '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90';
const at = new Date('2026-01-01T12:00:00Z');
const time = timestampFromDate(at);
const anna = {
  ...{ id, name: 'anna', email: 'anna@example.com', hasPassword: true, groups: ['blue'], version: 3n },
  ...{ accessTokenSeconds: 0n, limits: [{ endpointGroup: '', windowSeconds: 60, requests: 5n }] },
  ...{ createdAt: time, updatedAt: time, ban: { reason: 'spam' } },
};
const shownAnna = {
  ...{ id, name: 'anna', email: 'anna@example.com', email_verified_at: null, has_password: true, groups: ['blue'] },
  ...{ access_token_seconds: 0, refresh_token_seconds: null },
  limits: [{ endpoint_group: '', window_seconds: 60, requests: 5 }],
  ...{ ban: { until: null, reason: 'spam' }, version: 3, last_sign_in_at: null },
  ...{ created_at: at.toISOString(), updated_at: at.toISOString() },
};
const blue = {
  ...{ name: 'blue', permissions: ['vms:*'], everywhere: true, version: 2n, createdAt: time, updatedAt: time },
};

/** Answers a method always the same; gives back the last request. */
function answering<I extends DescMessage, O extends DescMessage>(
  gateway: GatewayUnderTest,
  method: DescMethodUnary<I, O>,
  answer: MessageInitShape<O>,
) {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  let asked: any;
  gateway.answer(method, (message) => {
    asked = message;
    return answer;
  });
  // biome-ignore lint/suspicious/noExplicitAny: the same
  return (): any => asked ?? assert.fail(`${method.name} was not asked`);
}

test('a limit of what is no endpoint group is refused, of users as of groups: it would never hold', async (t) => {
  const gateway = await startTestGateway(t);
  const limits = [
    { endpoint_group: 'vms', window_seconds: 60, requests: 5 },
    { endpoint_group: 'vm', window_seconds: 60, requests: 5 },
  ];
  for (const [method, path, named] of [
    ['POST', '/v1/admin/groups', { name: 'blue' }],
    ['PATCH', '/v1/admin/groups/blue', {}],
    ['POST', '/v1/admin/users', { name: 'anna', password: 'one' }],
    ['PATCH', `/v1/admin/users/${id}`, {}],
  ] as const) {
    const { status, body } = await gateway.call(method, path, { body: { ...named, limits } });
    assert.equal(status, 422, path);
    assert.deepEqual(body.errors, [{ field: 'limits[1].endpoint_group', message: 'is no endpoint group' }]);
  }
});

test('a user is made with what the body says, and no password is in what a repeat is known by', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = answering(gateway, users.createUser, { user: anna });
  const body = {
    name: 'anna',
    email: 'anna@example.com',
    groups: ['blue'],
    access_token_seconds: 0,
    email_verified: true,
  };
  const headers = { 'idempotency-key': 'k' };
  const made = await gateway.call('POST', '/v1/admin/users', { body: { ...body, password: 'one' }, headers });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('location'), `/v1/admin/users/${id}`);
  assert.match(made.headers.get('etag') ?? '', /^"3-/);
  assert.deepEqual(made.body, shownAnna);
  const { user, password, emailVerified, context } = asked();
  assert.deepEqual(
    [user.name, user.email, user.groups, user.accessTokenSeconds],
    ['anna', 'anna@example.com', ['blue'], 0n],
  );
  assert.deepEqual([password, emailVerified, user.refreshTokenSeconds], ['one', true, undefined]);
  const fingerprintOf = (one: CommandContext) => Buffer.from(one.idempotency?.fingerprint ?? '').toString('hex');
  const first = fingerprintOf(context);
  await gateway.call('POST', '/v1/admin/users', { body: { ...body, password: 'two' }, headers });
  assert.equal(fingerprintOf(asked().context), first);
  await gateway.call('POST', '/v1/admin/users', { body: { ...body, name: 'ben', password: 'two' }, headers });
  assert.notEqual(fingerprintOf(asked().context), first);
});

test('a change names what it changes, in the version that the caller saw; null takes away', async (t) => {
  const gateway = await startTestGateway(t);
  const askedUser = answering(gateway, users.updateUser, { user: anna });
  const askedGroup = answering(gateway, groups.updateGroup, { group: blue });
  const headers = { 'if-match': '"3-abc"' };
  const body = { email: null, refresh_token_seconds: null, limits: [] };
  const path = `/v1/admin/users/${id.toUpperCase()}`;
  assert.equal((await gateway.call('PATCH', path, { body, headers })).status, 200);
  const { user, updateMask, context } = askedUser();
  assert.deepEqual([user.id, user.email, user.refreshTokenSeconds, context.ifVersion], [id, undefined, undefined, 3n]);
  assert.deepEqual(updateMask.paths, ['email', 'refresh_token_seconds', 'limits']);
  const changed = await gateway.call('PATCH', '/v1/admin/groups/blue', { body: { permissions: ['vms:*'] }, headers });
  assert.deepEqual([changed.body.permissions, changed.body.access_token_seconds], [['vms:*'], null]);
  assert.deepEqual([askedGroup().group.name, askedGroup().updateMask.paths], ['blue', ['permissions']]);
});

test('lists hand on their filters, and link to the next page', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = answering(gateway, users.listUsers, { users: [anna], nextPageToken: 'next' });
  const page = await gateway.call('GET', '/v1/admin/users?name=a&group=blue&banned=false&sort=-name&limit=1');
  assert.deepEqual(page.body, { items: [shownAnna], next_cursor: 'next' });
  assert.match(page.headers.get('link') ?? '', /banned=false.*cursor=next.*rel="next"/);
  const { filter, sort, pageSize } = asked();
  assert.deepEqual(
    [filter.name, filter.group, filter.banned, filter.verified, sort, pageSize],
    ['a', 'blue', false, undefined, '-name', 1],
  );
});

test('a ban is for ever or until a time, and is told by mail unless that is not wanted', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = answering(gateway, users.banUser, { user: anna });
  const ban = (body: object) => gateway.call('POST', `/v1/admin/users/${id}/ban`, { body });
  assert.equal((await ban({ reason: 'spam' })).status, 200);
  assert.deepEqual([asked().until, asked().notify, asked().reason], [undefined, true, 'spam']);
  await ban({ reason: 'spam', until: '2999-01-01T00:00:00Z', notify: false });
  assert.deepEqual([asked().until.seconds, asked().notify], [32_472_144_000n, false]);
  for (const body of [{}, { reason: '' }, { reason: 'x', until: 'soon' }, { reason: 'x', forever: true }]) {
    const refused = await ban(body);
    assert.deepEqual([refused.status, refused.body.code], [422, 'INVALID_REQUEST'], JSON.stringify(body));
  }
});

test('anybody may accept an invitation, and nobody without permission may do anything else', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = answering(gateway, users.acceptInvitation, { user: anna });
  const body = { token: 'planted-token', password: 'planted-password' };
  const accepted = await gateway.call('POST', '/v1/auth/accept-invitation', { apiKey: null, body });
  assert.equal(accepted.status, 201);
  assert.deepEqual([asked().token, asked().name, asked().context.principal], ['planted-token', '', undefined]);
  assert.ok(!JSON.stringify(gateway.logged).includes('planted'));

  for (const [verb, path] of [
    ['GET', '/v1/admin/users'],
    ['POST', '/v1/admin/users'],
    ['GET', `/v1/admin/users/${id}`],
    ['PATCH', `/v1/admin/users/${id}`],
    ['DELETE', `/v1/admin/users/${id}`],
    ['POST', `/v1/admin/users/${id}/ban`],
    ['POST', `/v1/admin/users/${id}/unban`],
    ['GET', `/v1/admin/users/${id}/bans`],
    ['POST', '/v1/admin/invitations'],
    ['GET', '/v1/admin/invitations'],
    ['DELETE', `/v1/admin/invitations/${id}`],
    ['GET', '/v1/admin/groups'],
    ['POST', '/v1/admin/groups'],
    ['GET', '/v1/admin/groups/blue'],
    ['PATCH', '/v1/admin/groups/blue'],
    ['DELETE', '/v1/admin/groups/blue'],
    ['GET', '/v1/admin/groups/blue/members'],
    ['POST', '/v1/admin/groups/blue/members'],
    ['DELETE', `/v1/admin/groups/blue/members/${id}`],
  ] as const) {
    const sent = verb === 'POST' || verb === 'PATCH' ? { body: {} } : {};
    assert.equal((await gateway.call(verb, path, { apiKey: 'operator-1', ...sent })).status, 403, `${verb} ${path}`);
    assert.equal((await gateway.call(verb, path, { apiKey: null, ...sent })).status, 401, `${verb} ${path}`);
  }
});

test('members are added by id, and what no id can be is nobody', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = answering(gateway, groups.addGroupMember, { member: { userId: id, name: 'anna', home: true } });
  const path = '/v1/admin/groups/blue/members';
  const added = await gateway.call('POST', path, { body: { user_id: id.toUpperCase(), home: true } });
  assert.deepEqual(added.body, { user_id: id, name: 'anna', home: true });
  assert.deepEqual([asked().name, asked().userId, asked().home], ['blue', id, true]);
  for (const user_id of ['nobody', '007']) {
    assert.equal((await gateway.call('POST', path, { body: { user_id } })).body.code, 'USER_NOT_FOUND');
    assert.equal((await gateway.call('GET', `/v1/admin/users/${user_id}`)).body.code, 'USER_NOT_FOUND');
  }
});

test('what auth refuses is a problem with its code', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(users.removeUser, () => {
    throw new DomainError('conflict', 'LAST_ADMIN', 'The last one.');
  });
  gateway.answer(groups.deleteGroup, ({ force }) => {
    if (!force) throw new DomainError('conflict', 'GROUP_HAS_MEMBERS', 'It has members.');
    return {};
  });
  const refused = await gateway.call('DELETE', `/v1/admin/users/${id}`);
  assert.deepEqual([refused.status, refused.body.code], [409, 'LAST_ADMIN']);
  assert.equal((await gateway.call('DELETE', '/v1/admin/groups/blue')).body.code, 'GROUP_HAS_MEMBERS');
  assert.equal((await gateway.call('DELETE', '/v1/admin/groups/blue?force=true')).status, 204);
});
