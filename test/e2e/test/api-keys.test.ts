import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { startBerth } from '../src/index.ts';

/** What gateway and auth are together. One system for all. */
test('API keys and mails, through the whole system', async (t) => {
  const { api, stateFolder } = await startBerth(t);
  const path = '/v1/admin/api-keys';
  const secrets: string[] = [];
  const make = async (body: object) => {
    const answer = await api.call('POST', path, { body });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    secrets.push(answer.body.api_key);
    return answer.body;
  };
  const codeOf = async (apiKey: string, method: string, url: string, body?: object) => {
    const answer = await api.call(method, url, { apiKey, ...(body && { body }) });
    return answer.status < 300 ? answer.status : answer.body.code;
  };

  await t.test('a key may what it lists, and gives no more than that', async () => {
    const reader = await make({ permissions: ['vms:read'] });
    assert.deepEqual([reader.permission, reader.permissions, reader.user_id], ['custom', ['vms:read'], null]);
    assert.equal(await codeOf(reader.api_key, 'GET', '/v1/vms'), 200);
    assert.equal(await codeOf(reader.api_key, 'GET', '/v1/pools'), 'PERMISSION_DENIED');
    const keeper = await make({ permissions: ['api-keys:admin', 'vms:read'] });
    assert.equal(await codeOf(keeper.api_key, 'POST', path, { permissions: ['vms:read'] }), 201);
    assert.equal(await codeOf(keeper.api_key, 'POST', path, { is_admin: true }), 'PERMISSIONS_TOO_WIDE');
    assert.equal(await codeOf(keeper.api_key, 'GET', '/v1/account/api-keys'), 'USER_REQUIRED');
  });

  await t.test('a key that is narrowed while it is in use is narrower at once', async () => {
    const { id, api_key } = await make({ permission: 'viewer' });
    assert.equal(await codeOf(api_key, 'GET', '/v1/vms'), 200);
    const change = await api.call('PATCH', `${path}/${id}`, { body: { allowed_networks: ['192.0.2.0/24'] } });
    assert.deepEqual([change.status, change.body.allowed_networks], [200, ['192.0.2.0/24']]);
    assert.equal(await codeOf(api_key, 'GET', '/v1/vms'), 'API_KEY_INVALID');
    await api.call('PATCH', `${path}/${id}`, {
      body: { allowed_networks: ['127.0.0.1'], permissions: ['pools:read'] },
    });
    assert.equal(await codeOf(api_key, 'GET', '/v1/vms'), 'PERMISSION_DENIED');
    assert.equal(await codeOf(api_key, 'GET', '/v1/pools'), 200);
  });

  await t.test('mails go into the folder of the system where no server is set', async () => {
    assert.equal((await api.call('POST', '/v1/admin/mails/test', { body: { to: 'me@example.org' } })).status, 204);
    await eventually(async () => (await api.get('/v1/admin/mails?state=sent')).body.items.length === 1);
    const folder = join(stateFolder, 'mails');
    const [file = ''] = readdirSync(folder);
    assert.match(readFileSync(join(folder, file), 'utf8'), /^To: me@example\.org/m);
  });

  await t.test('no secret is in any log', () => {
    const logs = join(stateFolder, 'logs');
    const text = readdirSync(logs).map((file) => readFileSync(join(logs, file), 'utf8'));
    assert.ok(text.join('').includes('mails are sent'), 'these are the logs');
    for (const secret of secrets) assert.ok(!text.join('').includes(secret));
  });
});
