import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountWorld, goodPassword, outcomes, signedIn, stranger } from './support/account-world.ts';
import { withCode } from './support/world.ts';

const tokenOf = ({ values }: { values: Readonly<Record<string, string>> }) => values['token'] ?? '';

test('others see the chosen fields of a profile and no more; of a banned user nothing', async (t) => {
  const world = await accountWorld(t);
  const [ada, bob] = [await world.someone({ name: 'Ada' }), await world.someone({ name: 'bob' })];
  const me = signedIn(world.bus, ada);
  const profile = {
    display_name: 'Ada L.',
    company: 'Engines',
    website: 'https://ada.example',
    about: 'Notes\nand more',
  };
  await me.update({ profile, publicFields: { names: ['display_name', 'website', 'locale'] } });
  await me.update({ profile: { website: '', timezone: 'Europe/London' } });
  assert.deepEqual((await me.account())?.profile, {
    ...{ display_name: 'Ada L.', company: 'Engines', about: 'Notes\nand more', timezone: 'Europe/London' },
  });
  const other = signedIn(world.bus, bob);
  assert.deepEqual((await other.profileOf('ada')).profile, { display_name: 'Ada L.' });
  await me.update({ publicFields: { names: ['email'] } });
  assert.deepEqual((await other.profileOf('ADA')).profile, { email: 'Ada@example.com' });
  const mail = await world.mail('profile-changed', 'Ada@example.com', 3);
  assert.deepEqual(mail.values, { name: 'Ada', fields: 'public_fields' });
  await assert.rejects(other.profileOf('nobody'), withCode('USER_NOT_FOUND'));
  await world.db.execute("UPDATE users SET banned_until = now() + interval '1 day', ban_reason = 'x' WHERE id = $1", [
    ada,
  ]);
  await assert.rejects(other.profileOf('ada'), withCode('USER_NOT_FOUND'));
});

test('a change of a profile holds to the version it is about, and refuses what will not do', async (t) => {
  const world = await accountWorld(t, [{}, {}]);
  const me = signedIn(world.bus, await world.someone({ name: 'ada' }));
  await world.someone({ name: 'bob' });
  const changes = Array.from({ length: 8 }, (_, number) =>
    me.update({ profile: { company: `company ${number}` } }, { ifVersion: 1n }),
  );
  const { kept, codes } = await outcomes(changes);
  assert.deepEqual([kept, [...new Set(codes)]], [1, ['VERSION_MISMATCH']]);
  await assert.rejects(me.update({ name: 'BOB' }), withCode('USER_NAME_TAKEN'));
  for (const [field, value] of [
    ['website', 'javascript:alert(1)'],
    ['locale', 'not a locale'],
    ['timezone', 'Mars/Base'],
    ['display_name', 'two\nlines'],
    ['company', 'x'.repeat(101)],
    ['is_admin', 'true'],
    ['__proto__', 'x'],
  ] as const) {
    const profile = Object.fromEntries([[field, value]]);
    await assert.rejects(me.update({ profile }), withCode('ACCOUNT_INPUT_INVALID'), field);
  }
  await assert.rejects(me.update({ publicFields: { names: ['password_hash'] } }), withCode('ACCOUNT_INPUT_INVALID'));
  assert.equal((await me.account())?.version, 2n);
});

test('another address counts when it is confirmed, and the address before hears of it', async (t) => {
  const world = await accountWorld(t);
  const me = signedIn(world.bus, await world.someone({ name: 'ada' }));
  await assert.rejects(me.changeEmail('new@example.com', 'not the password'), withCode('CURRENT_PASSWORD_WRONG'));
  await me.changeEmail('new@example.com');
  const mail = await world.mail('confirm-new-email', 'new@example.com');
  assert.equal((await me.account())?.email, 'ada@example.com');
  await stranger(world.bus).confirm(tokenOf(mail));
  assert.equal((await me.account())?.email, 'new@example.com');
  const told = await world.mail('email-changed', 'ada@example.com');
  assert.deepEqual(told.values, { name: 'ada', new_email: 'new@example.com' });
  await assert.rejects(stranger(world.bus).confirm(tokenOf(mail)), withCode('MAIL_TOKEN_INVALID'));
});

test('whether others have an address is not told to whoever wants it; they hear of it', async (t) => {
  const world = await accountWorld(t);
  const me = signedIn(world.bus, await world.someone({ name: 'ada' }));
  const bob = signedIn(world.bus, await world.someone({ name: 'bob' }));
  await me.changeEmail('bob@example.com');
  await world.mail('already-registered', 'bob@example.com');
  await me.changeEmail('free@example.com');
  await bob.changeEmail('free@example.com');
  const tokens = [
    tokenOf(await world.mail('confirm-new-email', 'free@example.com')),
    tokenOf(await world.mail('confirm-new-email', 'free@example.com', 2)),
  ];
  const { kept, codes } = await outcomes(tokens.map((token) => stranger(world.bus).confirm(token)));
  assert.deepEqual([kept, codes], [1, ['MAIL_TOKEN_INVALID']]);
});

test('a deleted account is gone for everybody, and its name and address are free', async (t) => {
  const world = await accountWorld(t);
  const id = await world.someone({ name: 'ada' });
  const me = signedIn(world.bus, id);
  await assert.rejects(me.remove('not the password'), withCode('CURRENT_PASSWORD_WRONG'));
  await me.remove();
  await assert.rejects(me.account(), withCode('USER_NOT_FOUND'));
  const facts = await world.db.query<{ kind: string }>(
    "SELECT kind FROM access_facts WHERE subject = $1 AND kind IN ('user', 'api-keys-of') ORDER BY kind",
    [id],
  );
  assert.deepEqual(
    facts.map(({ kind }) => kind),
    ['api-keys-of', 'user'],
  );
  await world.mail('account-deleted', 'ada@example.com');
  await world.someone({ name: 'Ada', email: 'ada@example.com' });
});

test('of two last admins who delete their accounts at once, over two replicas, one stays', async (t) => {
  const world = await accountWorld(t, [{}, {}]);
  const ids = await Promise.all(['ada', 'bob'].map((name) => world.someone({ name, groups: ['admin'] })));
  await world.someone({ name: 'eve', groups: ['viewer'] });
  const { kept, codes } = await outcomes(ids.map((id) => signedIn(world.bus, id).remove()));
  assert.deepEqual([kept, codes], [1, ['LAST_ADMIN']]);
});

test('a banned admin does not count as one who stays', async (t) => {
  const world = await accountWorld(t);
  const [ada, bob] = [
    await world.someone({ name: 'ada', groups: ['admin'] }),
    await world.someone({ name: 'bob', groups: ['admin'] }),
  ];
  await world.db.execute("UPDATE users SET banned_until = now() + interval '1 day', ban_reason = 'x' WHERE id = $1", [
    bob,
  ]);
  await assert.rejects(signedIn(world.bus, ada).remove(goodPassword), withCode('LAST_ADMIN'));
});

test('an address that was never proved is proved by way of a re-send', async (t) => {
  const world = await accountWorld(t);
  const id = await world.someone({ name: 'ada' });
  await world.db.execute('UPDATE users SET email_verified_at = NULL');
  await stranger(world.bus).resend('ada@example.com');
  await stranger(world.bus).confirm(tokenOf(await world.mail('confirm-new-email', 'ada@example.com')));
  assert.ok((await signedIn(world.bus, id).account())?.emailVerifiedAt);
  await stranger(world.bus).resend('ada@example.com');
  await world.allAnswered();
  assert.equal((await world.mails()).length, 1);
});

test('a wish for a mail that a crash left behind is answered by whoever runs', async (t) => {
  const world = await accountWorld(t);
  await world.someone({ name: 'ada' });
  await world.db.execute(
    `INSERT INTO mail_requests (id, kind, email, asked_at)
     VALUES (gen_random_uuid(), 'forgot', 'ada@example.com', clock_timestamp())`,
  );
  await world.mail('reset-password', 'ada@example.com');
});
