import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AuthService, MailService, Permission } from '@berth/contracts';
import { curlExamples } from '@berth/testing';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { startTestGateway } from './support/gateway-under-test.ts';

const id = '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90';
const variables = { BERTH_KEY: 'the-admin', TOKEN: 'the-user', ID: id, USER_ID: 'u1' };

for (const [document, count] of [
  ['api-keys.md', 8],
  ['mails.md', 5],
] as const) {
  test(`every example of docs/${document} is a request that the gateway takes`, async (t) => {
    const gateway = await startTestGateway(t, { auth: false });
    const apiKey = { id, prefix: 'abc', permission: Permission.VIEWER, createdAt: timestampNow() };
    const mail = { id, template: 'banned', state: 'failed', createdAt: timestampNow() };
    gateway.answer(AuthService.method.verifyApiKey, ({ apiKey: key }) => ({
      principal: { id: key, userId: key, kind: key === 'the-user' ? 'user' : 'api_key', permissions: ['*'] },
    }));
    gateway.answer(AuthService.method.createApiKey, () => ({ apiKey, secret: 'x' }));
    gateway.answer(AuthService.method.listApiKeys, () => ({ apiKeys: [apiKey] }));
    gateway.answer(AuthService.method.updateApiKey, () => ({ apiKey }));
    gateway.answer(AuthService.method.rotateApiKey, () => ({ apiKey, secret: 'x' }));
    gateway.answer(AuthService.method.deleteApiKey, () => ({}));
    gateway.answer(MailService.method.listMails, () => ({ mails: [mail] }));
    gateway.answer(MailService.method.retryMail, () => ({ mail }));
    gateway.answer(MailService.method.sendTestMail, () => ({}));
    gateway.answer(MailService.method.getSubscriptions, () => ({}));
    gateway.answer(MailService.method.setSubscriptions, () => ({}));
    await gateway.bus.connection.flush();
    const page = readFileSync(new URL(`../../../docs/${document}`, import.meta.url), 'utf8');
    const examples = curlExamples(page, variables);
    assert.equal(examples.length, count);
    for (const { method, path, headers, body } of examples) {
      const answer = await gateway.call(method, path, { apiKey: null, headers, body });
      assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    }
  });
}
