import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AuthService, MailService } from '@berth/contracts';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { startTestGateway } from './support/gateway-under-test.ts';

const { method } = MailService;
const at = new Date('2026-01-01T12:00:00Z');
const id = randomUUID();
const aMail = {
  id,
  template: 'banned',
  recipient: 'a@example.org',
  state: 'waiting',
  createdAt: timestampFromDate(at),
};
const shown = {
  ...{ id, template: 'banned', recipient: 'a@example.org', user_id: null, state: 'waiting', attempts: 0 },
  ...{ last_error: null, created_at: at.toISOString(), next_attempt_at: null, ended_at: null },
};

test('administrators list mails, send them now, and test', async (t) => {
  const gateway = await startTestGateway(t);
  const asked: unknown[] = [];
  gateway.answer(method.listMails, ({ state, pageSize }) => {
    asked.push([state, pageSize]);
    return { mails: [aMail], nextPageToken: '7' };
  });
  gateway.answer(method.retryMail, ({ id: one }) => {
    asked.push(one);
    return { mail: aMail };
  });
  gateway.answer(method.sendTestMail, ({ recipient }) => {
    asked.push(recipient);
    return {};
  });
  await gateway.bus.connection.flush();
  const list = await gateway.call('GET', '/v1/admin/mails?state=failed&limit=5');
  assert.deepEqual([list.status, list.body], [200, { items: [shown], next_cursor: '7' }]);
  const retried = await gateway.call('POST', `/v1/admin/mails/${id.toUpperCase()}/retry`);
  assert.deepEqual([retried.status, retried.body], [200, shown]);
  assert.equal((await gateway.call('POST', '/v1/admin/mails/test', { body: { to: 'me@example.org' } })).status, 204);
  assert.deepEqual(asked, [['failed', 5], id, 'me@example.org']);
  assert.equal((await gateway.call('GET', '/v1/admin/mails?state=lost')).status, 422);
  assert.equal((await gateway.call('POST', '/v1/admin/mails/nothing/retry')).body.code, 'MAIL_NOT_FOUND');
  assert.equal((await gateway.call('GET', '/v1/admin/mails', { apiKey: 'operator-1' })).body.code, 'PERMISSION_DENIED');
});

test('users choose what they hear of', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  gateway.answer(AuthService.method.verifyApiKey, ({ apiKey }) => ({
    principal: { id: 'u1', userId: 'u1', kind: apiKey === 'a-user' ? 'user' : 'api_key', permissions: ['*'] },
  }));
  const available = [{ name: 'user-banned', description: 'd', permission: 'users:read' }];
  gateway.answer(method.getSubscriptions, () => ({ topics: [], available }));
  gateway.answer(method.setSubscriptions, ({ topics }) => ({ topics, available }));
  await gateway.bus.connection.flush();
  const url = '/v1/account/subscriptions';
  assert.deepEqual((await gateway.call('GET', url, { apiKey: 'a-user' })).body, { topics: [], available });
  const body = { topics: ['user-banned'] };
  const changed = await gateway.call('PUT', url, { apiKey: 'a-user', body });
  assert.deepEqual([changed.status, changed.body], [200, { ...body, available }]);
  assert.equal((await gateway.call('PUT', url, { apiKey: 'a-user', body: { topics: 'all' } })).status, 422);
  assert.equal((await gateway.call('GET', url, { apiKey: 'a-key' })).body.code, 'USER_REQUIRED');
});
