import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textReport } from '../src/report.ts';

test('a person is told how to play the router, and where events and the credentials for them are', () => {
  const system = {
    ...{ api: 'http://127.0.0.1:8800', grpc: '127.0.0.1:5', logs: '/state/logs', services: [] },
    ...{ adminApiKey: 'key', adminApiKeyIsNew: false, newAdminPassword: 'once', stop: async () => {} },
    nats: { server: 'nats://127.0.0.1:4222', urlFile: '/state/nats-url', subjectPrefix: 'berth' },
    router: { url: 'https://127.0.0.1:7', key: 'secret', control: 'http://127.0.0.1:8' },
  };
  const paths = { path: '/state', adminKeyFile: '/state/admin-api-key', adminPasswordFile: '/state/admin-password' };
  const text = textReport(system, paths);
  for (const told of [
    'http://127.0.0.1:8 ',
    'nats://127.0.0.1:4222',
    'berth.events',
    '/state/nats-url',
    'password once',
  ]) {
    assert.ok(text.includes(told), told);
  }
  assert.ok(!text.includes('secret'));
  const later = textReport({ ...system, newAdminPassword: '' }, paths);
  assert.ok(!later.includes('once'));
  assert.ok(!later.includes(paths.adminPasswordFile), 'a file that is not there is not named');
  assert.ok(!textReport({ ...system, router: null }, paths).includes('Play it'));
});
