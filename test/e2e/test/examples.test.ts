import assert from 'node:assert/strict';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { choosePort } from '@berth/local-servers';
import { eventually, temporaryFolder } from '@berth/testing';
import {
  type BerthUnderTest,
  examplesIn,
  type RestClient,
  runExample,
  startBerth,
  startSecondRouter,
} from '../src/index.ts';

/** What an example finds set, beside the admin's key. */
type Variables = Readonly<Record<string, string>>;

/** Once, before the first example of a page; answers what is asked before each of them. */
type Prepare = (berth: BerthUnderTest, t: TestContext) => Promise<(script: string) => Promise<Variables> | Variables>;

interface SharedSystem {
  /** Settings that some of its pages suppose. */
  readonly env?: Variables;
  /** In the order in which they are read. */
  readonly documents: Readonly<Record<string, Prepare>>;
}

const asItIs: Prepare = async () => () => ({});

/**
 * A start costs more than the examples of a page, so pages share a system as far as they bear each other: those that make a group, a user or
 * a VM of the same name are on different ones; one that counts commits or events from the first comes first; one that leaves a default pool
 * or limits behind comes last.
 */
const systems: Readonly<Record<string, SharedSystem>> = {
  'where everybody may register': {
    env: { BERTH_REGISTRATION: 'open' },
    documents: {
      'docs/events.md': asItIs,
      'docs/accounts.md': registeredUser,
      'docs/vms.md': asItIs,
      'docs/operations.md': asItIs,
      'docs/permissions.md': asItIs,
      'docs/drift.md': asItIs,
      'docs/security.md': asItIs,
      'docs/limits.md': asItIs,
    },
  },
  'as it comes': {
    documents: {
      'docs/history.md': asItIs,
      'docs/backup.md': asItIs,
      'docs/plans.md': asItIs,
      'docs/adopt.md': asItIs,
      'docs/audit.md': asItIs,
      'docs/own-code.md': asItIs,
      'docs/users-and-groups.md': asItIs,
      'docs/routers.md': (_, t) => secondRouter(t),
    },
  },
  // No server is there, so that mails wait.
  'whose mails wait': {
    env: { BERTH_SMTP_URL: 'smtp://127.0.0.1:9', BERTH_MAIL_FROM: 'berth@example.com' },
    documents: {
      'docs/bulk.md': asItIs,
      'docs/api-keys.md': signedInUser,
      'docs/tokens.md': sessionsAndKeys,
      'docs/mails.md': waitingMail,
      'docs/pools.md': asItIs,
    },
  },
};

for (const [name, { env = {}, documents }] of Object.entries(systems)) {
  test(`the examples of pages, on a system ${name}`, async (t) => {
    const port = await choosePort(); // known before the start: the issuer of tokens is this address
    const berth = await startBerth(t, { port, env });
    for (const [document, prepare] of Object.entries(documents)) {
      await t.test(`the examples of ${document} do what they say, one after the other`, async (page) => {
        await runExamples(document, berth, await prepare(berth, page), temporaryFolder(page));
      });
    }
  });
}

async function runExamples(
  document: string,
  { system, natsUrl, subjectPrefix }: BerthUnderTest,
  more: Awaited<ReturnType<Prepare>>,
  folder: string,
): Promise<void> {
  const examples = examplesIn(document);
  assert.ok(examples.length > 0, 'there are examples');
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules')); // what a reader installs
  let id = '';
  for (const example of examples) {
    const own = { BERTH_KEY: system.adminApiKey, ID: id, NATS_URL: natsUrl, PREFIX: subjectPrefix };
    const variables = { ...own, ...(await more(example.script)) };
    const { ok, output } = await runExample(example, { api: system.api, folder, variables });
    assert.ok(ok, `${document}:${example.line}\n${example.script}\n${output}`);
    id = /^\{"id":"([^"]+)"/m.exec(output)?.[1] ?? id; // "with the id of the answer in $ID"
  }
}

/** The router that the page adds, in the variables that it names. */
async function secondRouter(t: TestContext) {
  const { host, port, key, fingerprint } = (await startSecondRouter(t)).settings;
  return () => ({ ROUTER_HOST: host, ROUTER_PORT: String(port), ROUTER_API_KEY: key, ROUTER_FINGERPRINT: fingerprint });
}

const password = 'correct horse battery staple';

/** A user with everything, the same for each page, signed in anew for each example, since examples end sessions. */
async function signedInUser({ api }: { readonly api: RestClient }) {
  const person = { name: 'ada', email: 'ada@example.com', email_verified: true, groups: ['admin'], password };
  const made = await api.post('/v1/admin/users', person);
  assert.ok(made.status === 201 || made.status === 409, JSON.stringify(made.body)); // made, or there since an earlier page
  const { items } = (await api.get('/v1/admin/users?name=ada')).body;
  const [{ id }] = items;
  return async () => {
    const { status, body } = await api.post('/v1/auth/token', { username: 'ada', password }, { apiKey: null });
    assert.equal(status, 200, JSON.stringify(body));
    return { USER_ID: String(id), TOKEN: String(body.access_token), REFRESH: String(body.refresh_token) };
  };
}

/** The user that the page registers, signed in with the password it has by then, and the tokens of the mails as they come. */
async function registeredUser({ api, stateFolder }: BerthUnderTest) {
  const passwords = ['wet boots in the hallway', 'seven blue kettles sing', 'twelve brown owls at dawn'];
  const signIn = async (): Promise<Variables> => {
    const login = { username: 'ada', password: passwords[0] };
    const { status, body } = await api.post('/v1/auth/token', login, { apiKey: null });
    if (status === 200) {
      const headers = { Authorization: `Bearer ${body.access_token}` };
      const account = await api.get('/v1/account', { headers, apiKey: null });
      return { TOKEN: String(body.access_token), ETAG: account.headers.get('etag') ?? '' };
    }
    assert.ok(passwords.shift(), 'none of the passwords of the page is right');
    return signIn();
  };
  return async (script: string) => ({
    ...(script.includes('$TOKEN') && (await signIn())),
    ...(script.includes('$MAIL_TOKEN') && { MAIL_TOKEN: await mailedToken(join(stateFolder, 'mails'), script) }),
  });
}

/** The token that a mail brought for the request of this example. */
const mailedToken = (folder: string, script: string): Promise<string> =>
  eventually(() => {
    const [path = ''] = /\/v1\/auth\/[a-z-]+/.exec(script) ?? [];
    const mails = readdirSync(folder)
      .filter((name) => name.endsWith('.eml'))
      .map((name) => readFileSync(join(folder, name), 'utf8').replace(/=\r?\n/g, ''));
    const [, token] =
      mails.map((mail) => mail.split(`(POST ${path}), the token:`)[1]?.match(/([\w-]{20,})/)).find(Boolean) ?? [];
    assert.ok(token, `a mail with a token for ${path}`);
    return token;
  });

async function sessionsAndKeys(berth: BerthUnderTest) {
  const signIn = await signedInUser(berth);
  return async () => {
    const { TOKEN, ...known } = await signIn();
    const headers = { Authorization: `Bearer ${TOKEN}` };
    const sessions = (await berth.api.get('/v1/account/sessions', { headers, apiKey: null })).body.items;
    const keys = (await berth.api.get('/v1/admin/signing-keys')).body.items;
    const [oldest] = keys.toSorted((a: { created_at: string }, b: { created_at: string }) =>
      a.created_at.localeCompare(b.created_at),
    );
    return { ...known, ACCESS: TOKEN, PASSWORD: password, ID: String(sessions[0].id), KEY_ID: String(oldest.id) };
  };
}

async function waitingMail(berth: BerthUnderTest) {
  const signIn = await signedInUser(berth);
  await berth.api.post('/v1/admin/mails/test', { to: 'somebody@example.com' });
  return async () => {
    const { body } = await berth.api.get('/v1/admin/mails?state=waiting');
    return { ...(await signIn()), ID: String(body.items[0].id) };
  };
}
