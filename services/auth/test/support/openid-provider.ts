import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestScope } from '@berth/testing';
import Provider from 'oidc-provider';

/** Where the tests' sign-in page is; nothing listens there. */
export const redirectUri = 'https://app.example/signed-in';

export const clientSecret = 'the-secret-of-berth-at-the-provider';

/** Claims of each account, by its login, which is its `sub` too. Tests change them as they go. */
export type Accounts = Record<string, Record<string, unknown>>;

/** An HTTP server on this machine; gives back its origin. */
export async function listening(t: TestScope, handle: RequestListener): Promise<{ origin: string; server: Server }> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** A real OpenID provider; `visit` does what a person does in the browser and gives back what the redirect URI gets. */
export async function openIdProvider(t: TestScope, accounts: Accounts) {
  let handle: RequestListener = (_request, response) => response.writeHead(503).end();
  const { origin: issuer } = await listening(t, (request, response) => handle(request, response));
  const { warn } = console;
  console.warn = () => {}; // it says that its defaults are for trying out, which this is
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'berth', client_secret: clientSecret, redirect_uris: [redirectUri] }],
    cookies: { keys: ['a key of a test'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
      groups: ['groups'],
    },
    pkce: { required: () => true },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    findAccount: (_context, login) =>
      login in accounts ? { accountId: login, claims: async () => ({ sub: login, ...accounts[login] }) } : undefined,
  });
  console.warn = warn;
  handle = provider.callback();
  return { issuer, visit: (url: string, login: string) => visit(issuer, url, login) };
}

/** Follows the provider's redirects and fills in its forms until it sends the browser back. */
async function visit(issuer: string, start: string, login: string): Promise<Record<string, string>> {
  const cookies = new Map<string, string>();
  let next = new URL(start);
  let init: RequestInit = {};
  for (let hop = 0; hop < 15; hop++) {
    if (next.origin !== issuer) return Object.fromEntries(next.searchParams);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(next, { redirect: 'manual', ...init, headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    const page = await answer.text();
    assert.ok(answer.status < 400, `${next.pathname}: ${answer.status} ${page.slice(0, 300)}`);
    if (location === null) init = formOf(page, login);
    else {
      next = new URL(location, next);
      init = {};
    }
  }
  return assert.fail('the provider does not send the browser back');
}

const formOf = (page: string, login: string): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(
    page.includes('name="password"') ? { prompt: 'login', login, password: 'x' } : { prompt: 'consent' },
  ),
});
