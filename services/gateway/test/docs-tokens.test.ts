import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SessionService, SigningKeyService } from '@berth/contracts';
import { curlExamples, eventually } from '@berth/testing';
import { startTestGateway } from './support/gateway-under-test.ts';
import { playTokens } from './support/played-tokens.ts';

const page = readFileSync(new URL('../../../docs/tokens.md', import.meta.url), 'utf8');

test('every example of docs/tokens.md is a request that the gateway takes', async (t) => {
  const gateway = await startTestGateway(t);
  const auth = await playTokens(gateway);
  const tokens = { accessToken: 'a', refreshToken: 'b' };
  gateway.answer(SessionService.method.signIn, () => ({ tokens }));
  gateway.answer(SessionService.method.refreshTokens, () => ({ tokens }));
  gateway.answer(SessionService.method.listSessions, () => ({}));
  gateway.answer(SessionService.method.signOut, () => ({}));
  gateway.answer(SessionService.method.signOutEverywhere, () => ({}));
  gateway.answer(SessionService.method.endSessions, () => ({}));
  gateway.answer(SigningKeyService.method.listSigningKeys, () => ({}));
  gateway.answer(SigningKeyService.method.rotateSigningKeys, () => ({ signingKey: { id: 'k' } }));
  gateway.answer(SigningKeyService.method.removeSigningKey, () => ({}));
  await gateway.bus.connection.flush();
  const ACCESS = await auth.token({ groups: ['viewer'] });
  const ids = {
    ID: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
    USER_ID: '7',
    KEY_ID: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  };
  const words = { PASSWORD: 'correct-horse', REFRESH: 'brt_x', BERTH_KEY: 'admin-1', ACCESS, ...ids };
  const examples = curlExamples(page, words);
  assert.ok(examples.length >= 12, `${examples.length} examples`);
  await eventually(async () => (await gateway.call('GET', '/.well-known/jwks.json')).status === 200);
  for (const { method, path, headers, body } of examples) {
    const answer = await gateway.call(method, path, { apiKey: null, headers, body });
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  }
});
