import { AuthService, LimitService, MailService, type SessionTokens } from '@berth/contracts';
import { request } from '@berth/messaging';
import { Vault } from '@berth/vault';
import { TokenKeyring } from '../../src/adapters/crypto/token-keyring.ts';
import { PostgresAuthTransactions } from '../../src/adapters/postgres/auth-transactions.ts';
import { berthItself } from '../../src/app/asker.ts';
import type { AuthTransaction } from '../../src/app/auth-transaction.ts';
import { linkIdentity, unlinkIdentity } from '../../src/app/identities/link-identity.ts';
import { signInWithIdentity } from '../../src/app/identities/sign-in-with-identity.ts';
import { type AccountWorld, goodPassword, signedIn, stranger } from './account-world.ts';
import { identityClient } from './identity-client.ts';
import { holderOf, peopleClient } from './people.ts';
import { sessionClient } from './sessions.ts';
import { admin, masterKey, testSessions } from './world.ts';

/** Something that somebody does; refused or not. */
export type UseCase = () => Promise<unknown>;

/** Groups and users on which all use cases are tried at once. */
export interface Ground {
  /** Brings back what earlier ones took away, and what these cannot do without. */
  restore(useCases: readonly string[]): Promise<void>;
  /** Each changes something of the same few users, groups and keys; by what it does. Many of them are refused. */
  readonly useCases: Readonly<Record<string, UseCase>>;
}

const options = { timeoutMs: 30_000 };
const pick = <T>(items: readonly T[], turn: number): T => items[turn % items.length] as T;

/** What has to have been done before, so that it need not be refused. */
const needs: Readonly<Record<string, string>> = {
  'accept an invitation': 'invite',
  refresh: 'sign in',
  'choose a new password': 'forget the password',
  'prove another address': 'ask for another address',
  'change a key': 'make a key',
  'rotate a key': 'make a key',
  'end a key': 'make a key',
  'let a key in again': 'keep a key out',
  'unlink an identity': 'link an identity',
};

export async function aGround(world: AccountWorld): Promise<Ground> {
  const { bus, db } = world;
  const people = peopleClient(bus);
  const ids = { ann: '', bob: '', ...(await admins(world)) };
  const passwords = { ann: goodPassword };
  let turn = 0;
  const next = () => ++turn;

  const addressOf = async (id: string): Promise<string> =>
    (await db.query<{ email: string | null }>('SELECT email FROM users WHERE id = $1', [id]))[0]?.email ?? '';
  const tokenOf = async (template: string, to: string): Promise<string> => {
    const mails = (await world.mails()).filter((mail) => mail.template === template && mail.to === to);
    return mails.at(-1)?.values['token'] ?? 'none';
  };
  const ground = { ...{ world, people, ids, passwords, next, addressOf, tokenOf } };
  const useCases = {
    ...ofAdmins(ground),
    ...ofUsers(ground),
    ...ofKeys(ground),
    ...ofIdentities(ground),
  } as Ground['useCases'];
  return {
    async restore(names) {
      await db.execute('DELETE FROM mail_request_counts'); // few mails may be asked for in an hour
      await restoreGroups(ground);
      await restoreUsers(ground);
      await restoreProvider(world);
      for (const name of new Set(names.map((one) => needs[one]))) if (name) await useCases[name]?.().catch(() => {});
      await world.allAnswered();
    },
    useCases,
  };
}

async function restoreGroups({ world: { db }, people }: Parts): Promise<void> {
  const there = await db.query<{ name: string }>('SELECT name FROM groups');
  const names = new Set(there.map(({ name }) => name));
  for (const name of ['red', 'blue', 'green'].filter((one) => !names.has(one))) {
    await people.createGroup({ name, permissions: ['vms:read'] }, { takeOver: true });
  }
}

async function restoreUsers({ world, people, ids, passwords, next }: Parts): Promise<void> {
  const users = await world.db.query<{ id: string; name: string; banned: boolean }>(
    'SELECT id, name, banned_until IS NOT NULL AS banned FROM users',
  );
  for (const name of ['ann', 'bob'] as const) {
    if (users.some(({ id }) => id === ids[name])) continue;
    if (name === 'ann') passwords.ann = goodPassword;
    const own = `${name}${next()}`;
    ids[name] = await world.someone({ name: own, email: `${own}@example.com`, groups: ['red', 'blue'] });
  }
  for (const id of [ids.root, ids.chief]) {
    if (users.some((user) => user.id === id && user.banned)) await people.unban(id);
    await people.addMember({ name: 'admin', userId: id });
  }
  for (const { id, name } of users) if (name.startsWith('guest')) await people.removeUser(id);
}

async function restoreProvider({ db }: AccountWorld): Promise<void> {
  const endpoints = { authorization: 'https://id.test/a', token: 'https://id.test/t', userinfo: 'https://id.test/p' };
  await db.execute(
    `INSERT INTO identity_providers (name, display_name, preset, endpoints, client_id, scopes, new_users, email_domains, group_claim,
       claim_groups, enabled)
     VALUES ('corp', 'Corp', 'custom', $1, 'berth', '{}', true, '{}', 'groups', '{"staff":"blue","chiefs":"admin"}', true)
     ON CONFLICT DO NOTHING`,
    [JSON.stringify({ ...endpoints, emails: null })],
  );
  await db.execute(
    "INSERT INTO identity_redirect_uris (uri, provider, place) VALUES ('https://app.test/in', 'corp', 1) ON CONFLICT DO NOTHING",
  );
}

interface Parts {
  readonly world: AccountWorld;
  readonly people: ReturnType<typeof peopleClient>;
  readonly ids: { ann: string; bob: string; root: string; chief: string };
  readonly passwords: { ann: string };
  readonly next: () => number;
  readonly addressOf: (id: string) => Promise<string>;
  readonly tokenOf: (template: string, to: string) => Promise<string>;
}

async function admins(world: AccountWorld) {
  const [root, chief] = await Promise.all(
    ['root', 'chief'].map((name) => world.someone({ name, groups: ['admin', 'viewer'] })),
  );
  return { root: root ?? '', chief: chief ?? '' };
}

/** Somebody who may do everything, as a user who has signed in. */
const asUser = (id: string) => ({ ...holderOf('*'), kind: 'user', id, userId: id, name: 'test' });

function ofAdmins({ world, people, ids, next, tokenOf }: Parts): Ground['useCases'] {
  const lists = [['red', 'green'], ['green', 'blue', 'red'], ['blue']];
  const guest = 'guest@example.com';
  return {
    'change a user’s groups': () => people.updateUser({ id: ids.ann, groups: pick(lists, next()) }, ['groups']),
    'change the other’s groups': () => people.updateUser({ id: ids.bob, groups: pick(lists, next()) }, ['groups']),
    'change limits of a user': () =>
      people.updateUser(
        {
          id: ids.ann,
          limits: pick([[], [{ endpointGroup: 'vms', windowSeconds: 60, requests: 9n }]], next()),
        } as object,
        ['limits'],
      ),
    'name a user': () => people.updateUser({ id: ids.ann, name: pick(['either', 'or'], next()) }, ['name']),
    'give another address': () =>
      people.updateUser(
        { id: ids.bob, email: pick([`b${next()}@example.com`, `c${next()}@example.com`, 'ann@example.org'], next()) },
        ['email'],
      ),
    'let a user join': () => people.addMember({ name: 'green', userId: ids.ann, home: next() % 2 === 0 }),
    'make a user leave': () => people.removeMember({ name: pick(['red', 'blue'], next()), userId: ids.ann }),
    'change a group': () =>
      people.updateGroup({ name: 'red', permissions: pick([['vms:read'], ['vms:*']], next()) }, ['permissions']),
    'remove a group': () => people.deleteGroup({ name: pick(['green', 'blue', 'red'], next()), force: true }),
    'make a group': () => {
      const name = pick(['green', `more-${next()}`], next());
      return people.createGroup({ name, permissions: ['vms:read'] }, { takeOver: true });
    },
    ban: () => people.ban({ id: ids.bob }),
    unban: () => people.unban(ids.bob),
    'remove a user': () => people.removeUser(ids.bob),
    'make a user without a password': () => {
      const name = `guest${next()}`;
      return people.createUser({ user: { name, email: `${name}@example.com`, groups: ['green', 'red'] } });
    },
    invite: () => people.invite({ email: guest, groups: ['red', 'green'] }),
    'accept an invitation': async () =>
      people.accept({ token: await tokenOf('invitation', guest), name: 'guest', password: goodPassword }),
    'take an admin’s group away': () => people.removeMember({ name: 'admin', userId: ids.root }),
    'take the other admin’s groups away': () => people.updateUser({ id: ids.chief, groups: ['viewer'] }, ['groups']),
    'ban an admin': () => people.ban({ id: ids.chief }),
    'make another signing key': () => sessionClient(world.bus).rotateKeys(),
    'subscribe to notices': () => {
      const topics = pick([['user-banned'], []], next());
      const context = { principal: asUser(pick([ids.ann, ids.bob], next())) };
      return request(world.bus, MailService.method.setSubscriptions, { context, topics }, options);
    },
  };
}

function ofUsers({ world, ids, passwords, next, addressOf, tokenOf }: Parts): Ground['useCases'] {
  const sessions = sessionClient(world.bus);
  const anyone = stranger(world.bus);
  let tokens: SessionTokens | undefined;
  const held = () => tokens ?? ({ refreshToken: 'none' } as SessionTokens);
  const password = () => `boots in hallway ${next()}`;
  return {
    'sign in': async () => {
      tokens = await sessions.signIn(await addressOf(ids.ann), passwords.ann);
    },
    refresh: async () => {
      tokens = await sessions.refresh(held());
    },
    'sign out': () => sessions.signOut(held()),
    'sign out everywhere': () => sessions.signOutEverywhere(admin, ids.ann),
    'change the password': async () => {
      const chosen = password();
      await signedIn(world.bus, ids.ann).changePassword(passwords.ann, chosen);
      passwords.ann = chosen;
    },
    'forget the password': async () => anyone.forgot(await addressOf(ids.ann)),
    'choose a new password': async () => {
      const chosen = password();
      await anyone.reset(await tokenOf('reset-password', await addressOf(ids.ann)), chosen);
      passwords.ann = chosen;
    },
    'ask for another address': () => signedIn(world.bus, ids.ann).changeEmail('ann@example.org', passwords.ann),
    'prove another address': async () => anyone.confirm(await tokenOf('confirm-new-email', 'ann@example.org')),
    'change the profile': () => signedIn(world.bus, ids.ann).update({ profile: { location: `No. ${next()}` } }),
    'take another name': () => signedIn(world.bus, ids.bob).update({ name: pick(['either', 'or'], next()) }),
    'delete the own account': () => signedIn(world.bus, ids.bob).remove(),
  };
}

function ofKeys({ world, ids, next }: Parts): Ground['useCases'] {
  const { method } = AuthService;
  const own = () => ({ own: true, context: { principal: asUser(ids.ann) } });
  const keys: string[] = [];
  const key = () => pick(keys, next()) ?? '00000000-0000-4000-8000-000000000001';
  return {
    'make a key': async () => {
      const { apiKey } = await request(
        world.bus,
        method.createApiKey,
        { ...own(), permissions: ['vms:read'], group: 'green' },
        options,
      );
      keys.push(apiKey?.id ?? '');
    },
    'change a key': () => {
      const apiKey = { id: key(), group: pick(['red', 'green'], next()) };
      return request(world.bus, method.updateApiKey, { ...own(), apiKey, updateMask: { paths: ['group'] } }, options);
    },
    'rotate a key': () => request(world.bus, method.rotateApiKey, { ...own(), id: key() }, options),
    'end a key': () => request(world.bus, method.deleteApiKey, { ...own(), id: keys.shift() ?? '' }, options),
    'keep a key out': () =>
      request(
        world.bus,
        LimitService.method.addBlock,
        { context: { principal: admin }, subject: `key:${key()}`, reason: 'test', seconds: 60n },
        options,
      ),
    'let a key in again': () =>
      request(
        world.bus,
        LimitService.method.liftBlock,
        { context: { principal: admin }, subject: `key:${key()}` },
        options,
      ),
  };
}

/** Directly, without a provider. */
function ofIdentities({ world, ids, next }: Parts): Ground['useCases'] {
  const transactions = directTransactions(world);
  const run = (work: (transaction: AuthTransaction) => Promise<unknown>) => transactions.run(berthItself, work);
  const identity = (groups: readonly string[]) => ({
    provider: 'corp',
    profile: { subject: 'ann', names: ['guest-of-corp'], verifiedEmail: null, claims: { groups } },
  });
  const providers = identityClient(world.bus);
  const claims = [['staff'], ['staff', 'chiefs'], []];
  return {
    'sign in with an identity': () => run((tx) => signInWithIdentity(tx, berthItself, identity(pick(claims, next())))),
    'link an identity': () => run((tx) => linkIdentity(tx, ids.ann, identity([]))),
    'unlink an identity': async () => {
      const rows = await world.db.query<{ id: string }>('SELECT id FROM identities WHERE user_id = $1', [ids.ann]);
      await run((tx) => unlinkIdentity(tx, ids.ann, rows[0]?.id ?? ''));
    },
    'change a provider': () => providers.changeProvider('corp', { displayName: `Corp ${next()}` }, ['display_name']),
    'remove a provider': () => providers.removeProvider('corp'),
  };
}

function directTransactions({ db }: AccountWorld): PostgresAuthTransactions {
  const vault = new Vault([masterKey]);
  const { audience, lifetimes } = testSessions;
  const nothing = () => {};
  return new PostgresAuthTransactions({
    outbox: {
      entityTransaction: (work) =>
        db.entityTransaction(async (entities, sql) => {
          const outcome = await work(entities, sql, nothing);
          await entities.flush();
          return outcome;
        }),
    },
    ...{ vault, keyring: new TokenKeyring({ vault, issuer: 'http://berth.test', audience, lifetimes }) },
    ...{ audited: nothing, factsChanged: nothing, mailsWait: nothing },
  });
}
