import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AccessService } from '@berth/contracts';
import { request } from '@berth/messaging';
import {
  type AccountWorld,
  accountWorld,
  goodPassword,
  outcomes,
  signedIn,
  stranger,
} from './support/account-world.ts';
import { testHasher } from './support/hasher.ts';
import { peopleClient } from './support/people.ts';
import { withCode } from './support/world.ts';

const ada = 'ada@example.com';
const tokenOf = ({ values }: { values: Readonly<Record<string, string>> }) => values['token'] ?? '';
const another = (number: number) => `seven blue kettles ${number}`;

const passwordOf = async ({ db }: AccountWorld, id: string): Promise<string> => {
  const [row] = await db.query<{ hash: string }>('SELECT password_hash AS hash FROM users WHERE id = $1', [id]);
  return row?.hash ?? '';
};

async function isPassword(world: AccountWorld, id: string, password: string): Promise<boolean> {
  return testHasher().verify(await passwordOf(world, id), password);
}

/** The oldest version of a session that everybody who lets callers in still takes. */
async function oldestSession({ bus }: AccountWorld, id: string): Promise<number | undefined> {
  const { facts } = await request(bus, AccessService.method.getAccessFacts, { after: 0n }, { timeoutMs: 10_000 });
  const [user] = facts.flatMap(({ fact }) => (fact.case === 'user' && fact.value.id === id ? [fact.value] : []));
  return user?.oldestSessionVersion;
}

test('a changed password ends all sessions, is mailed and audited; the present one is needed', async (t) => {
  const world = await accountWorld(t);
  const id = await world.someone({ name: 'ada' });
  const { changePassword } = signedIn(world.bus, id);
  await assert.rejects(changePassword('not the password', another(1)), withCode('CURRENT_PASSWORD_WRONG'));
  await assert.rejects(changePassword(goodPassword, 'password1234'), withCode('PASSWORD_TOO_WEAK'));
  assert.equal(await oldestSession(world, id), undefined);
  const context = { operationId: randomUUID() };
  await changePassword(goodPassword, another(1), context);
  await changePassword(goodPassword, another(1), context); // a repeat is answered like the first
  assert.equal(await oldestSession(world, id), 2);
  assert.ok(await isPassword(world, id, another(1)));
  const mail = await world.mail('password-changed', ada);
  assert.deepEqual([mail.values['name'], mail.values['from']], ['ada', '192.0.2.8']);
  const entries = await world.db.query("SELECT 1 FROM audit_entries WHERE action = 'user.password_changed'");
  assert.equal(entries.length, 1);
});

test('the last five passwords cannot be chosen again, older ones can, and no more are kept', async (t) => {
  const world = await accountWorld(t);
  const id = await world.someone({ name: 'ada' });
  const { changePassword } = signedIn(world.bus, id);
  await assert.rejects(changePassword(goodPassword, goodPassword), withCode('PASSWORD_USED_BEFORE'));
  let current = goodPassword;
  for (let number = 1; number <= 5; number++) {
    await changePassword(current, another(number));
    current = another(number);
  }
  assert.equal((await world.db.query('SELECT 1 FROM former_passwords')).length, 4);
  for (let number = 1; number <= 5; number++) {
    await assert.rejects(changePassword(current, another(number)), withCode('PASSWORD_USED_BEFORE'), `${number}`);
  }
  await changePassword(current, goodPassword);
});

test('of 10 changes of a password at once, over two replicas, one is kept', async (t) => {
  const world = await accountWorld(t, [{}, {}]);
  const id = await world.someone({ name: 'ada' });
  const { changePassword } = signedIn(world.bus, id);
  const { kept, codes } = await outcomes(
    Array.from({ length: 10 }, (_, number) => changePassword(goodPassword, another(number))),
  );
  assert.equal(kept, 1);
  assert.ok(
    codes.every((code) => ['ACCOUNT_CHANGED_MEANWHILE', 'CURRENT_PASSWORD_WRONG'].includes(code)),
    `${codes}`,
  );
  assert.equal(await oldestSession(world, id), 2);
});

test('a forgotten password is replaced with the newest mail’s token, once, and all sessions end', async (t) => {
  const world = await accountWorld(t, [{}, {}]);
  const id = await world.someone({ name: 'ada' });
  const anybody = stranger(world.bus);
  await anybody.forgot(ada);
  const first = tokenOf(await world.mail('reset-password', ada));
  await anybody.forgot('ADA@example.com');
  const mail = await world.mail('reset-password', ada, 2);
  assert.equal(mail.values['minutes'], '30');
  await assert.rejects(anybody.reset(first, another(1)), withCode('MAIL_TOKEN_INVALID'));
  await assert.rejects(anybody.reset(tokenOf(mail), goodPassword), withCode('PASSWORD_USED_BEFORE'));
  await assert.rejects(anybody.reset(tokenOf(mail), 'aaaaaaaaaaaa'), withCode('PASSWORD_TOO_WEAK'));
  const resets = Array.from({ length: 10 }, (_, number) => anybody.reset(tokenOf(mail), another(number)));
  const { kept, codes } = await outcomes(resets);
  assert.deepEqual([kept, [...new Set(codes)]], [1, ['MAIL_TOKEN_INVALID']]);
  assert.equal(await oldestSession(world, id), 2);
  assert.equal((await world.mail('password-changed', ada)).values['from'], '192.0.2.7');
});

test('a mail about a forgotten password goes to accounts alone, and its token ends', async (t) => {
  const world = await accountWorld(t);
  await world.someone({ name: 'ada' });
  const anybody = stranger(world.bus);
  await anybody.forgot('nobody@example.com');
  await anybody.forgot(ada);
  await world.allAnswered();
  const mails = await world.mails();
  assert.deepEqual(
    mails.map(({ template, to }) => [template, to]),
    [['reset-password', ada]],
  );
  await world.db.execute('UPDATE mail_tokens SET expires_at = now()');
  await assert.rejects(anybody.reset(tokenOf(mails[0] ?? { values: {} }), another(1)), withCode('MAIL_TOKEN_INVALID'));
});

test('a new password ends what was mailed before it: who had the account may have asked for it', async (t) => {
  const world = await accountWorld(t);
  const id = await world.someone({ name: 'ada' });
  const me = signedIn(world.bus, id);
  await me.changeEmail('eve@example.com');
  const wished = await world.mail('confirm-new-email', 'eve@example.com');
  await stranger(world.bus).forgot(ada);
  const reset = await world.mail('reset-password', ada);
  await me.changePassword(goodPassword, another(1));
  await assert.rejects(stranger(world.bus).confirm(tokenOf(wished)), withCode('MAIL_TOKEN_INVALID'));
  await assert.rejects(stranger(world.bus).reset(tokenOf(reset), another(2)), withCode('MAIL_TOKEN_INVALID'));
  assert.ok(await isPassword(world, id, another(1)));
});

test('a token for a new password opens nothing once an administrator has changed the address that it was sent to', async (t) => {
  const world = await accountWorld(t);
  const id = await world.someone({ name: 'ada' });
  await stranger(world.bus).forgot('ada@example.com');
  const token = tokenOf(await world.mail('reset-password', 'ada@example.com'));
  await peopleClient(world.bus).updateUser({ id, email: 'ada@example.org' }, ['email']);
  await assert.rejects(stranger(world.bus).reset(token, 'another pair of boots'), withCode('MAIL_TOKEN_INVALID'));
});

test('who has somebody’s token cannot guess the password with it, whichever command asks for it', async (t) => {
  const sessions = { signIn: { failures: 10, failuresOfAddress: 100, windowSeconds: 900 } };
  const world = await accountWorld(t, [{ sessions }, { sessions }]);
  const id = await world.someone({ name: 'ada' });
  const me = signedIn(world.bus, id);
  const guesses = [
    ...Array.from({ length: 8 }, (_, number) => me.changePassword(`guess ${number}`, another(1))),
    ...Array.from({ length: 8 }, (_, number) => me.changeEmail('eve@example.com', `guess ${number}`)),
    ...Array.from({ length: 8 }, (_, number) => me.remove(`guess ${number}`)),
  ];
  const { codes } = await outcomes(guesses);
  assert.equal(codes.filter((code) => code === 'CURRENT_PASSWORD_WRONG').length, 10);
  assert.equal(codes.filter((code) => code === 'SIGN_IN_LIMITED').length, 14);
  await assert.rejects(me.changePassword(goodPassword, another(1)), withCode('SIGN_IN_LIMITED'));
});
