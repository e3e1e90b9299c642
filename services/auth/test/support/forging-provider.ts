import { text } from 'node:stream/consumers';
import type { TestScope } from '@berth/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { listening } from './openid-provider.ts';

/** What a forging provider does next. */
export interface Forgery {
  /** Claims that replace the right ones; undefined takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Signed by a key that is not published, or by nobody. */
  readonly signature?: 'other key' | 'none';
  /** The token endpoint's status. */
  readonly status?: number;
  /** The issuer that the discovery document names. */
  readonly issuer?: string;
}

/**
 * An OpenID provider on this machine whose ID tokens are wrong in one way or another. `codes` hold the nonce that each code's ID token has.
 */
export async function forgingProvider(t: TestScope) {
  const [own, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' };
  const state: { forgery: Forgery; nonces: Map<string, string>; asked: string[] } = {
    forgery: {},
    nonces: new Map(),
    asked: [],
  };
  const { origin: issuer } = await listening(t, async (request, response) => {
    const form = new URLSearchParams(await text(request));
    state.asked.push(`${request.method} ${request.url}`);
    const { status = 200, issuer: named = issuer } = state.forgery;
    const send = (code: number, body: object) =>
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/.well-known/openid-configuration') return send(200, discoveryOf(issuer, named));
    if (request.url === '/jwks') return send(200, { keys: [jwk] });
    if (status !== 200) return send(status, { error: 'server_error' });
    const id_token = await idToken(form.get('code') ?? '');
    return send(200, { access_token: 'at', token_type: 'Bearer', id_token });
  });

  async function idToken(code: string): Promise<string> {
    const { claims, signature } = state.forgery;
    const now = Math.floor(Date.now() / 1_000);
    const right = { iss: issuer, aud: 'berth', sub: 'mallory', iat: now, exp: now + 60, nonce: state.nonces.get(code) };
    const payload = { ...right, email: 'mallory@evil.example', ...claims };
    if (signature === 'none') {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none' })}.${part(payload)}.`;
    }
    const key = signature === 'other key' ? other.privateKey : own.privateKey;
    return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'own' }).sign(key);
  }

  return { issuer, state };
}

const discoveryOf = (origin: string, issuer: string) => ({
  issuer,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  jwks_uri: `${origin}/jwks`,
  response_types_supported: ['code'],
  id_token_signing_alg_values_supported: ['RS256'],
});
