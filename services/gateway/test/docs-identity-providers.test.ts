import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { curlExamples } from '@berth/testing';
import { startTestGateway } from './support/gateway-under-test.ts';
import { identityId, playIdentities } from './support/played-identities.ts';

const page = readFileSync(new URL('../../../docs/identity-providers.md', import.meta.url), 'utf8');

test('every example of docs/identity-providers.md is a request that the gateway takes', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const { asked } = await playIdentities(gateway);
  const examples = curlExamples(page, { BERTH_KEY: 'admin-1', TOKEN: 'user-1', ID: identityId });
  assert.equal(examples.length, 14);
  for (const { method, path, headers, body } of examples) {
    const answer = await gateway.call(method, path, { apiKey: null, headers, body });
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  }
  assert.ok(asked.length >= examples.length - 1);
});
