import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import { accountWorld, goodPassword, outcomes, signedIn, stranger } from './support/account-world.ts';
import { withCode } from './support/world.ts';

const ada = 'ada@example.com';
const tokenOf = ({ values }: { values: Readonly<Record<string, string>> }) => values['token'] ?? '';

test('a registration becomes a user when its address is proved, and its token is used once', async (t) => {
  const world = await accountWorld(t, [{ accounts: { registrationGroups: ['viewer', 'not-there'] } }]);
  const anybody = stranger(world.bus);
  await anybody.register('ada', ada);
  const mail = await world.mail('verify-email', ada);
  assert.deepEqual([mail.values['name'], mail.values['hours']], ['ada', '24']);
  assert.equal((await world.db.query('SELECT 1 FROM users')).length, 0);
  await anybody.verify(tokenOf(mail));
  await assert.rejects(anybody.verify(tokenOf(mail)), withCode('MAIL_TOKEN_INVALID'));

  const [user] = await world.db.query<{ id: string }>('SELECT id FROM users');
  const account = await signedIn(world.bus, user?.id ?? '').account();
  assert.deepEqual([account?.name, account?.email, account?.groups], ['ada', ada, ['viewer']]);
  assert.ok(account?.emailVerifiedAt && account.hasPassword);
  assert.ok(account.grants.some(({ group, permissions }) => group === '' && permissions.includes('vms:read')));
  const audited = await world.db.query<{ action: string; text: string }>(
    "SELECT action, audit_entries::text AS text FROM audit_entries WHERE action <> 'api_key.created' ORDER BY arrival",
  );
  assert.deepEqual(
    audited.map(({ action }) => action),
    ['registration.requested', 'user.registered'],
  );
  const everything = JSON.stringify(audited) + world.logged() + JSON.stringify(await stored(world));
  for (const secret of [goodPassword, tokenOf(mail)]) assert.ok(!everything.includes(secret), 'a secret is kept');
});

test('who registers with the address of an account is answered alike, and its owner hears of it', async (t) => {
  const world = await accountWorld(t);
  await world.someone({ name: 'ada' });
  await stranger(world.bus).register('eve', 'ADA@example.com');
  const mail = await world.mail('already-registered', 'ADA@example.com');
  assert.deepEqual(mail.values, { name: 'ada' });
  assert.equal((await world.mails()).length, 1);
});

test('of 50 registrations at once, and all their proofs at once, over two replicas, one becomes a user', async (t) => {
  const world = await accountWorld(t, [{}, {}]);
  const anybody = stranger(world.bus);
  await Promise.all(Array.from({ length: 50 }, (_, index) => anybody.register(`ada-${index}`, ada)));
  await world.allAnswered();
  const tokens = (await world.mails()).map(tokenOf);
  assert.equal(tokens.length, 5, 'one address gets so many mails an hour');
  const proofs = tokens.flatMap((token) => Array.from({ length: 4 }, () => anybody.verify(token)));
  const { kept, codes } = await outcomes(proofs);
  assert.equal(kept, 1);
  assert.deepEqual([...new Set(codes)], ['MAIL_TOKEN_INVALID']);
  assert.equal((await world.db.query('SELECT 1 FROM users')).length, 1);
  assert.equal((await world.db.query('SELECT 1 FROM pending_registrations')).length, 0);
});

test('of 12 who want one name at once, one gets it, and the others’ tokens stay good for another name', async (t) => {
  const world = await accountWorld(t, [{}, {}]);
  const anybody = stranger(world.bus);
  const addresses = Array.from({ length: 12 }, (_, index) => `a${index}@example.com`);
  await Promise.all(addresses.map((email) => anybody.register('Ada', email)));
  const tokens = await Promise.all(addresses.map(async (email) => tokenOf(await world.mail('verify-email', email))));
  const { kept, codes } = await outcomes(tokens.map((token) => anybody.verify(token)));
  assert.deepEqual([kept, codes.length, new Set(codes).size, codes[0]], [1, 11, 1, 'USER_NAME_TAKEN']);
  const others = await outcomes(tokens.map((token, index) => anybody.verify(token, `ada-${index}`)));
  assert.deepEqual([others.kept, others.codes], [11, ['MAIL_TOKEN_INVALID']]);
});

test('a proof that is repeated with its operation id is carried out once and answered again', async (t) => {
  const world = await accountWorld(t);
  const anybody = stranger(world.bus);
  await anybody.register('ada', ada);
  const token = tokenOf(await world.mail('verify-email', ada));
  const context = { operationId: randomUUID() };
  await anybody.verify(token, '', context);
  await anybody.verify(token, '', context);
  assert.equal((await world.db.query('SELECT 1 FROM users')).length, 1);
});

test('a re-send ends older tokens, five an hour are sent, and asking for more is answered alike', async (t) => {
  const world = await accountWorld(t, [{}, {}]);
  const anybody = stranger(world.bus);
  await anybody.register('ada', ada);
  const first = tokenOf(await world.mail('verify-email', ada));
  await anybody.resend(ada);
  const second = tokenOf(await world.mail('verify-email', ada, 2));
  await assert.rejects(anybody.verify(first), withCode('MAIL_TOKEN_INVALID'));
  await Promise.all(Array.from({ length: 10 }, () => anybody.resend(ada)));
  await anybody.resend('nobody@example.com');
  await world.allAnswered();
  const tokens = (await world.mails()).map(tokenOf);
  assert.equal(tokens.length, 6);
  const { kept, codes } = await outcomes([second, ...tokens].map((token) => anybody.verify(token)));
  assert.deepEqual([kept, codes.length], [1, 6]);
});

test('tokens and registrations end', async (t) => {
  const world = await accountWorld(t);
  const anybody = stranger(world.bus);
  await anybody.register('ada', ada);
  const token = tokenOf(await world.mail('verify-email', ada));
  await world.db.execute('UPDATE pending_registrations SET expires_at = now()');
  await assert.rejects(anybody.verify(token), withCode('MAIL_TOKEN_INVALID'));
  await anybody.resend(ada);
  await world.allAnswered();
  assert.equal((await world.mails()).length, 1);
});

test('nobody registers where that is not open, and nobody proves an address where it is off', async (t) => {
  for (const registration of ['invite', 'off'] as const) {
    const world = await accountWorld(t, [{ accounts: { registration } }]);
    await assert.rejects(stranger(world.bus).register('ada', ada), withCode('REGISTRATION_CLOSED'));
    const code = registration === 'off' ? 'REGISTRATION_CLOSED' : 'MAIL_TOKEN_INVALID';
    await assert.rejects(stranger(world.bus).verify('x'), withCode(code));
  }
});

test('names, addresses and passwords that will not do are refused with what would help', async (t) => {
  const characters = ['digit', 'symbol'] as const;
  const rules = { minLength: 10, maxLength: 200, minScore: 3, history: 5 };
  const world = await accountWorld(t, [{ accounts: { passwords: { ...rules, characters } } }]);
  const register = stranger(world.bus).register;
  const fieldsOf = async (attempt: Promise<unknown>) => {
    const error = await attempt.then(
      () => undefined,
      (reason) => reason,
    );
    assert.ok(error instanceof DomainError, String(error));
    return [error.code, ...(error.details.fields ?? []).map(({ field, message }) => `${field} ${message}`)];
  };
  for (const [name, email] of [
    ['ada@home', ada],
    ['a', ada],
    ['ada', 'no address'],
    ['ada', 'a@b@c'],
    ['ada', 'ada@example.com\r\nBcc: eve@example.com'],
  ] as const) {
    const [code] = await fieldsOf(register(name, email, 'a 1st-rate passphrase!'));
    assert.equal(code, 'ACCOUNT_INPUT_INVALID', `${name} ${email}`);
  }
  assert.deepEqual(await fieldsOf(register('ada', ada, 'short')), [
    ...['PASSWORD_TOO_WEAK', 'password must have at least 10 characters'],
  ]);
  assert.deepEqual(await fieldsOf(register('ada', ada, 'all letters here')), [
    ...[
      'PASSWORD_TOO_WEAK',
      'password must hold a digit',
      'password must hold a character that is neither letter nor digit',
    ],
  ]);
  const [code, reason, ...advice] = await fieldsOf(register('ada.lovelace', ada, 'Ada.Lovelace-1'));
  assert.deepEqual([code, reason], ['PASSWORD_TOO_WEAK', 'password is too easy to guess']);
  assert.ok(advice.length > 0);
  assert.equal((await world.db.query('SELECT 1 FROM pending_registrations')).length, 0);
});

/** Everything that accounts keep. */
async function stored({ db }: Awaited<ReturnType<typeof accountWorld>>): Promise<unknown> {
  const tables = ['users', 'pending_registrations', 'mail_tokens', 'mail_requests', 'mails', 'given_answers', 'outbox'];
  const there = await db.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ANY($1)',
    [tables],
  );
  assert.ok(there.length >= 6, JSON.stringify(there));
  return Promise.all(there.map(({ name }) => db.query(`SELECT r::text FROM ${name} r`)));
}
