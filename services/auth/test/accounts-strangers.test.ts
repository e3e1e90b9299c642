import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streams } from '@berth/contracts';
import type { Sql } from '@berth/database';
import { Outbox } from '@berth/messaging';
import { Vault } from '@berth/vault';
import { TokenKeyring } from '../src/adapters/crypto/token-keyring.ts';
import { accountReader } from '../src/adapters/postgres/accounts/account-reader.ts';
import { PostgresAuthTransactions } from '../src/adapters/postgres/auth-transactions.ts';
import type { Prepared } from '../src/app/accounts/account-deps.ts';
import { forgotPassword } from '../src/app/accounts/change-password.ts';
import { registerAccount, resendVerification } from '../src/app/accounts/register-account.ts';
import { berthItself } from '../src/app/asker.ts';
import { signIn } from '../src/app/sessions/sign-in.ts';
import { type AccountWorld, accountWorld, goodPassword } from './support/account-world.ts';
import { testHasher } from './support/hasher.ts';
import { masterKey, testSessions, usualAccounts } from './support/world.ts';

/** Runs what strangers ask for, and writes down each hash and statement that it takes until they are answered. */
function watched({ bus, db }: AccountWorld) {
  let work: string[] = [];
  const noting = (sql: Sql): Sql => ({
    query(text, values) {
      work.push(text);
      return sql.query(text, values);
    },
    execute(text, values) {
      work.push(text);
      return sql.execute(text, values);
    },
  });
  const outbox = new Outbox({ database: db, bus, streams: [streams.events] });
  const vault = new Vault([masterKey]);
  const transactions = new PostgresAuthTransactions({
    outbox: {
      entityTransaction: (inside) =>
        outbox.entityTransaction((entities, sql, send) => inside(entities, noting(sql), send)),
    },
    ...{ vault, keyring: new TokenKeyring({ vault, issuer: '', audience: '', lifetimes: testSessions.lifetimes }) },
    ...{
      factsChanged: () => work.push('facts'),
      mailsWait: () => work.push('mails'),
      audited: () => work.push('audit'),
    },
  });
  const argon2 = testHasher();
  const hash = (password: string) => {
    work.push('hash');
    return argon2.hash(password);
  };
  const deps = {
    accounts: accountReader(noting(db)),
    hasher: {
      hash,
      verify: (known: string | null, text: string) => {
        work.push('verify');
        return argon2.verify(known, text);
      },
      isOutdated: (known: string) => argon2.isOutdated(known),
    },
    throttle: { take: async () => {}, forgive: async () => {} },
    checkPassword: async () => {},
    policy: usualAccounts,
  };
  return {
    async workOf(prepare: (deps_: typeof deps) => Prepared | Promise<Prepared>): Promise<readonly string[]> {
      work = [];
      const prepared = await prepare(deps);
      await transactions.run(berthItself, prepared);
      return work;
    },
    async workOfRefusal(login: string): Promise<readonly string[]> {
      work = [];
      const attempt = signIn({ ...deps, transactions }, berthItself, { login, password: 'wrong' });
      await assert.rejects(attempt, { code: 'SIGN_IN_REFUSED' });
      return work;
    },
  };
}

test('for strangers the work is the same, hash for hash and statement for statement, whether or not there is an account', async (t) => {
  const world = await accountWorld(t);
  await world.someone({ name: 'ada' });
  const { workOf } = watched(world);
  const asks: readonly ((name: string) => Parameters<typeof workOf>[0])[] = [
    (name) => (deps) => registerAccount(deps, { name, email: `${name}@example.com`, password: goodPassword }),
    (name) => () => resendVerification({ email: `${name}@example.com` }),
    (name) => () => forgotPassword({ email: `${name}@example.com` }),
  ];
  for (const ask of asks) {
    const [known, unknown] = [await workOf(ask('ada')), await workOf(ask('eve'))];
    assert.ok(known.length >= 3, 'it is seen');
    assert.deepEqual(known, unknown);
    assert.ok(!known.some((text) => /\busers\b/.test(text)), 'users are looked at before the answer');
  }
  assert.equal((await workOf(asks[0]?.('ada') ?? (() => assert.fail()))).filter((one) => one === 'hash').length, 1);
});

test('a sign-in that is refused takes the same work, whether or not there is somebody of that name or address, and locks nobody', async (t) => {
  const world = await accountWorld(t);
  await world.someone({ name: 'ada' });
  const { workOfRefusal } = watched(world);
  const unknown = await workOfRefusal('eve');
  assert.equal(unknown.filter((one) => one === 'verify').length, 1, 'it is seen');
  for (const login of ['ada', 'ADA@example.com']) assert.deepEqual(await workOfRefusal(login), unknown);
  await world.db.transaction(async (sql) => {
    await sql.query('SELECT 1 FROM users FOR UPDATE');
    await workOfRefusal('ada'); // would wait for that lock, and so tell that ada is there
  });
});
