import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AccountService, AuthService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { curlExamples, type TestScope } from '@berth/testing';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';

const page = readFileSync(new URL('../../../docs/accounts.md', import.meta.url), 'utf8');
const { method } = AccountService;

const madeAt = timestampFromDate(new Date('2026-01-01T12:00:00Z'));
const ada = {
  ...{ id: 'id-of-ada', name: 'ada', email: 'ada@example.com', emailVerifiedAt: madeAt, hasPassword: true },
  ...{ profile: { display_name: 'Ada' }, publicFields: ['display_name'], groups: ['blue', 'viewer'], version: 3n },
  grants: [
    { group: 'blue', permissions: ['vms:write', 'vms:read'] },
    { group: '', permissions: ['vms:read'] },
  ],
  ...{ createdAt: madeAt, updatedAt: madeAt },
};

/** A gateway for which the test answers as auth: `user-…` are users' tokens, all else are API keys. Gives back what auth heard. */
async function startWithAccounts(t: TestScope) {
  const gateway = await startTestGateway(t, { auth: false });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  const heard: any[] = [];
  gateway.answer(AuthService.method.verifyApiKey, ({ apiKey }) => {
    const isUser = apiKey.startsWith('user-');
    const principal = { id: isUser ? 'id-of-ada' : 'id-of-key', name: apiKey, permissions: ['*'] };
    return { principal: { ...principal, ...(isUser ? { kind: 'user', userId: 'id-of-ada' } : { kind: 'api_key' }) } };
  });
  const auth: { refuses?: DomainError } = {};
  const hear = (message: unknown) => {
    heard.push(message);
    if (auth.refuses) throw auth.refuses;
    return {};
  };
  for (const one of [method.registerAccount, method.verifyEmail, method.resendVerification] as const) {
    gateway.answer(one as typeof method.registerAccount, hear);
  }
  for (const one of [method.forgotPassword, method.resetPassword, method.confirmEmail] as const) {
    gateway.answer(one as typeof method.forgotPassword, hear);
  }
  for (const one of [method.changePassword, method.changeEmail, method.deleteAccount] as const) {
    gateway.answer(one as typeof method.changePassword, hear);
  }
  gateway.answer(method.getAccount, () => ({ account: ada }));
  gateway.answer(method.updateAccount, (message) => ({ ...hear(message), account: { ...ada, version: 4n } }));
  gateway.answer(method.getPublicProfile, ({ name }) => ({ name, profile: {}, createdAt: madeAt }));
  await gateway.bus.connection.flush();
  return { gateway, heard, auth };
}

const user = { authorization: 'Bearer user-ada' };
const asUser = (gateway: GatewayUnderTest, verb: string, path: string, body?: unknown, headers = {}) =>
  gateway.call(verb, path, { apiKey: null, headers: { ...user, ...headers }, body });

test('every example of docs/accounts.md is a request that the gateway takes', async (t) => {
  const { gateway } = await startWithAccounts(t);
  const examples = curlExamples(page, { TOKEN: 'user-ada', MAIL_TOKEN: 'a-token-of-a-mail', ETAG: '"3"' });
  assert.ok(examples.length >= 12, `${examples.length} examples`);
  for (const { method: verb, path, headers, body } of examples) {
    const answer = await gateway.call(verb, path, { apiKey: null, headers, body });
    assert.ok(answer.status < 300, `${verb} ${path} ${body}: ${JSON.stringify(answer.body)}`);
  }
});

test('strangers need no key, and auth hears from where they ask', async (t) => {
  const { gateway, heard } = await startWithAccounts(t);
  const body = { name: 'ada', email: 'ada@example.com', password: 'wet boots in the hallway' };
  const headers = { 'user-agent': 'x'.repeat(300) };
  const answer = await gateway.call('POST', '/v1/auth/register', { apiKey: null, headers, body });
  assert.deepEqual([answer.status, answer.body], [202, undefined]);
  const [{ context, name, email, password }] = heard;
  assert.deepEqual({ name, email, password }, body);
  assert.deepEqual([context.clientAddress, context.userAgent.length, context.principal], ['127.0.0.1', 200, undefined]);
  assert.ok(!JSON.stringify(gateway.logged).includes('wet boots'));
});

test('why a password will not do is told field by field, and no field is taken that is not there', async (t) => {
  const { gateway, auth } = await startWithAccounts(t);
  const weak = { token: 't', password: 'password1234' };
  const fields = ['is too easy to guess', 'Add more words.'].map((message) => ({ field: 'password', message }));
  auth.refuses = new DomainError('invalid', 'PASSWORD_TOO_WEAK', 'Not good enough.', { fields });
  const refused = await gateway.call('POST', '/v1/auth/reset-password', { apiKey: null, body: weak });
  assert.deepEqual([refused.status, refused.body.code, refused.body.errors], [422, 'PASSWORD_TOO_WEAK', fields]);
  const unknown = await gateway.call('POST', '/v1/auth/reset-password', {
    apiKey: null,
    body: { ...weak, admin: true },
  });
  assert.equal(unknown.status, 422);
  assert.deepEqual(
    unknown.body.errors.map(({ field }: { field: string }) => field),
    ['admin'],
  );
  assert.ok(!JSON.stringify(unknown.body).includes('password1234'));
  for (const body of [
    { profile: { shoe_size: '41' } },
    { public_fields: ['password_hash'] },
    { groups: ['admin'] },
    {},
  ]) {
    assert.equal((await asUser(gateway, 'PATCH', '/v1/account', body)).status, 422, JSON.stringify(body));
  }
});

test('the account is shown with what its user may do, and is not sent again to whoever has it', async (t) => {
  const { gateway } = await startWithAccounts(t);
  const { status, body, headers } = await asUser(gateway, 'GET', '/v1/account');
  assert.equal(status, 200);
  assert.deepEqual(
    [body.email_verified_at, body.permissions, body.last_sign_in_at],
    ['2026-01-01T12:00:00.000Z', ['vms:read', 'vms:write'], null],
  );
  assert.deepEqual(body.grants[1], { group: null, permissions: ['vms:read'] });
  const etag = headers.get('etag') ?? '';
  assert.match(etag, /^"3-/);
  assert.equal((await asUser(gateway, 'GET', '/v1/account', undefined, { 'if-none-match': etag })).status, 304);
});

test('a change of the account names its version, what stays and what goes', async (t) => {
  const { gateway, heard } = await startWithAccounts(t);
  const body = { profile: { company: null, about: 'Notes' }, public_fields: [] };
  const answer = await asUser(gateway, 'PATCH', '/v1/account', body, { 'if-match': '"3-abc"' });
  assert.match(answer.headers.get('etag') ?? '', /^"4-/);
  const [{ context, name, profile, publicFields }] = heard;
  assert.deepEqual(
    [context.ifVersion, name, profile, publicFields.names],
    [3n, '', { company: '', about: 'Notes' }, []],
  );
  await asUser(gateway, 'PATCH', '/v1/account', { name: 'ada2' });
  assert.deepEqual([heard[1].name, heard[1].publicFields, heard[1].context.ifVersion], ['ada2', undefined, 0n]);
});

test('API keys have no account, and strangers see nobody’s', async (t) => {
  const { gateway } = await startWithAccounts(t);
  for (const [verb, path, body] of [
    ['GET', '/v1/account'],
    ['PATCH', '/v1/account', { name: 'ada2' }],
    ['DELETE', '/v1/account', { password: 'x' }],
    ['POST', '/v1/account/password', { current_password: 'x', new_password: 'y' }],
    ['POST', '/v1/account/email', { email: 'ada@example.org', password: 'x' }],
    ['GET', '/v1/users/ada'],
  ] as const) {
    const withKey = await gateway.call(verb, path, { apiKey: 'admin-1', body });
    assert.deepEqual([withKey.status, withKey.body.code], [403, 'USER_REQUIRED'], `${verb} ${path}`);
    assert.equal((await gateway.call(verb, path, { apiKey: null, body })).status, 401, `${verb} ${path}`);
  }
});

test('what is kept with an Idempotency-Key does not hang on passwords, which could be guessed from it', async (t) => {
  const { gateway, heard } = await startWithAccounts(t);
  const keyed = { 'idempotency-key': 'once' };
  for (const secret of ['one', 'two']) {
    const passwords = { current_password: secret, new_password: `${secret} new` };
    await asUser(gateway, 'POST', '/v1/account/password', passwords, keyed);
    await asUser(gateway, 'POST', '/v1/account/email', { email: 'ada@example.org', password: secret }, keyed);
    await asUser(gateway, 'DELETE', '/v1/account', { password: secret }, keyed);
  }
  const fingerprints = heard.map(({ context }) => Buffer.from(context.idempotency.fingerprint).toString('hex'));
  assert.deepEqual(fingerprints.slice(0, 3), fingerprints.slice(3));
  assert.notEqual(fingerprints[0], fingerprints[1]);
});
