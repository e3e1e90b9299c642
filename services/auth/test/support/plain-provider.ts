import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { TestScope } from '@berth/testing';
import { listening } from './openid-provider.ts';

/** A plain OAuth 2 service as GitHub is one: `authorize` gives a code for an authorization URL, once; what it says of people is `pages`. */
export async function plainProvider(t: TestScope, pages: Record<string, unknown>) {
  const challenges = new Map<string, string>();
  let codes = 0;
  const { origin } = await listening(t, async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/token') {
      const code = form.get('code') ?? '';
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      const right = challenges.get(code) === challenge;
      challenges.delete(code);
      return right
        ? send(200, { access_token: `at-${code}`, token_type: 'bearer' })
        : send(200, { error: 'bad_verification_code' });
    }
    const known = request.headers.authorization?.startsWith('Bearer at-code-') && (request.url ?? '') in pages;
    return known ? send(200, pages[request.url ?? '']) : send(401, { message: 'Bad credentials' });
  });
  return {
    origin,
    endpoints: { authorization: `${origin}/authorize`, token: `${origin}/token`, userinfo: `${origin}/user` },
    authorize(url: string): { code: string; state: string } {
      const asked = new URL(url).searchParams;
      const code = `code-${++codes}`;
      challenges.set(code, asked.get('code_challenge') ?? '');
      return { code, state: asked.get('state') ?? '' };
    },
  };
}
