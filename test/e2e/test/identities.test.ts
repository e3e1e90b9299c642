import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { startBerth } from '../src/index.ts';

const redirectUri = 'https://app.example/signed-in';
const person = { sub: '42', preferred_username: 'sam', email: 'sam@x.example', email_verified: true };

/** A plain OAuth 2 service; `authorize` stands for the person who agrees in the browser. */
async function oauthService(t: TestContext) {
  const challenges = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const digest = createHash('sha256').update(form.get('code_verifier') ?? '');
    const agreed = challenges.get(form.get('code') ?? '') === digest.digest('base64url');
    const token = agreed ? { access_token: 'at', token_type: 'bearer' } : { error: 'invalid_grant' };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(request.url === '/token' ? token : person));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoints: { authorization: `${origin}/authorize`, token: `${origin}/token`, userinfo: `${origin}/me` },
    authorize(url: string) {
      const { searchParams: asked } = new URL(url);
      const code = `code-${challenges.size}`;
      challenges.set(code, asked.get('code_challenge') ?? '');
      return { code, state: asked.get('state') };
    },
  };
}

test('somebody signs in with a provider that an admin added while everything ran', async (t) => {
  const { api } = await startBerth(t, { env: { BERTH_PROVIDERS_ON_PRIVATE_NETWORKS: 'true' } });
  const service = await oauthService(t);
  const added = await api.post('/v1/admin/identity-providers', {
    ...{ name: 'corp', endpoints: service.endpoints, client_id: 'berth', client_secret: 'hush' },
    ...{ redirect_uris: [redirectUri], registration: { new_users: true, email_domains: ['x.example'] } },
  });
  assert.equal(added.status, 201, JSON.stringify(added.body));
  const stranger = { apiKey: null };
  assert.equal((await api.get('/v1/auth/providers', stranger)).body.items[0].name, 'corp');
  const path = '/v1/auth/providers/corp';
  const elsewhere = await api.post(`${path}/start`, { redirect_uri: 'https://evil.example/' }, stranger);
  assert.deepEqual([elsewhere.status, elsewhere.body.errors[0].field], [422, 'redirect_uri']);
  const { body: begun } = await api.post(`${path}/start`, { redirect_uri: redirectUri }, stranger);
  const answer = { attempt: begun.attempt, ...service.authorize(begun.authorization_url) };
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => api.post(`${path}/callback`, answer, stranger)));
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), [200, 403, 403, 403]);
  const session = outcomes.find(({ status }) => status === 200)?.body;
  assert.equal(session.token_type, 'Bearer');
  assert.ok(session.access_token && session.refresh_token);
  const etag = added.headers.get('etag') ?? '';
  const one = '/v1/admin/identity-providers/corp';
  const off = { body: { enabled: false }, headers: { 'if-match': etag } };
  assert.equal((await api.call('PATCH', one, off)).status, 200);
  assert.equal((await api.call('PATCH', one, off)).body.code, 'VERSION_MISMATCH');
  assert.equal((await api.delete(one)).body.code, 'IDENTITY_PROVIDER_IN_USE');
  assert.equal((await api.post(`${path}/start`, { redirect_uri: redirectUri }, stranger)).status, 404);
});
