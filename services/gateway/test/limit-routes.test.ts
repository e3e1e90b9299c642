import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthService, LimitService } from '@berth/contracts';
import { startTestGateway } from './support/gateway-under-test.ts';

const { method } = LimitService;
const rule = { subject: 'user', endpoint_group: 'vms', window_seconds: 60, requests: 5, mode: 'block' };

test('the limits are read with their version and replaced under it; what is no endpoint group is refused', async (t) => {
  const gateway = await startTestGateway(t);
  const rules = [{ subject: 'user', endpointGroup: 'vms', windowSeconds: 60, requests: 5n, mode: 'block' }];
  const heard: (bigint | undefined)[] = [];
  gateway.answer(method.getLimits, () => ({ rules, version: 7n }));
  gateway.answer(method.setLimits, (request) => {
    heard.push(request.context?.ifVersion);
    return { rules: request.rules, version: 8n };
  });
  await gateway.bus.connection.flush();
  const read = await gateway.call('GET', '/v1/admin/limits');
  assert.deepEqual(read.body, { rules: [rule] });
  const headers = { 'if-match': read.headers.get('etag') ?? '' };
  const changed = await gateway.call('PUT', '/v1/admin/limits', { body: { rules: [rule] }, headers });
  assert.deepEqual([changed.status, changed.body], [200, { rules: [rule] }]);
  assert.notEqual(changed.headers.get('etag'), read.headers.get('etag'));
  const unknown = {
    rules: [
      { ...rule, endpoint_group: 'nothing' },
      { ...rule, window_seconds: 61 },
    ],
  };
  assert.equal((await gateway.call('PUT', '/v1/admin/limits', { body: unknown })).status, 422);
  const named = await gateway.call('PUT', '/v1/admin/limits', { body: { rules: [unknown.rules[0]] } });
  assert.deepEqual(named.body.errors, [{ field: 'rules[0].endpoint_group', message: 'is no endpoint group' }]);
  for (const [endpoint_group, message] of [
    ['health', /never count/],
    ['sign-in', /for addresses alone/],
  ] as const) {
    const useless = await gateway.call('PUT', '/v1/admin/limits', { body: { rules: [{ ...rule, endpoint_group }] } });
    assert.deepEqual([useless.status, useless.body.errors.length], [422, 1]);
    assert.match(useless.body.errors[0].message, message);
  }
  assert.deepEqual(heard, [7n]);
  assert.equal((await gateway.call('GET', '/v1/admin/limits', { apiKey: 'operator-1' })).status, 403);
});

test('addresses are kept out as they are counted; those that may not be, and what is none, are refused', async (t) => {
  const gateway = await startTestGateway(t, { env: { BERTH_NEVER_BLOCK: '192.0.2.0/24' } });
  const subjects: string[] = [];
  gateway.answer(method.addBlock, ({ subject, reason }) => {
    subjects.push(subject);
    return { block: { subject, reason, blockedAt: { seconds: 1n }, by: 'x', byName: 'chief' } };
  });
  gateway.answer(method.liftBlock, ({ subject }) => {
    subjects.push(subject);
    return {};
  });
  await gateway.bus.connection.flush();
  const add = (subject: string) =>
    gateway.call('POST', '/v1/admin/blocks', { body: { subject, reason: 'Scans ports.' } });
  const added = await add('ip:2001:DB8::1');
  assert.equal(added.status, 201);
  assert.deepEqual([added.body.until, added.body.blocked_by], [null, 'chief']);
  const location = added.headers.get('location') ?? '';
  assert.equal((await gateway.call('DELETE', location)).status, 204);
  assert.equal((await add('user:42')).status, 201);
  assert.deepEqual(subjects, ['ip:2001:db8:0:0::/64', 'ip:2001:db8:0:0::/64', 'user:42']);
  assert.deepEqual(
    [(await add('ip:192.0.2.9')).body.code, (await add('ip:nobody')).status],
    ['ADDRESS_NEVER_BLOCKED', 422],
  );
});

test('users see what they used themselves; a key is no user', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  gateway.answer(AuthService.method.verifyApiKey, ({ apiKey }) => ({
    principal: { id: 'u1', kind: apiKey, userId: 'u1', permissions: [] },
  }));
  gateway.answer(method.listUsage, ({ subject }) => ({
    usages: [
      {
        limit: 100n,
        taken: 5n,
        window: { subject, endpointGroup: '', windowSeconds: 60, windowStart: 1_767_268_800n },
      },
    ],
  }));
  await gateway.bus.connection.flush();
  const own = await gateway.call('GET', '/v1/account/usage', { apiKey: 'user' });
  assert.deepEqual(own.body.items, [
    {
      ...{ subject: 'user:u1', endpoint_group: '', window_seconds: 60, limit: 100, used: 5 },
      resets_at: '2026-01-01T12:01:00.000Z',
    },
  ]);
  assert.equal((await gateway.call('GET', '/v1/account/usage', { apiKey: 'api_key' })).body.code, 'USER_REQUIRED');
});
