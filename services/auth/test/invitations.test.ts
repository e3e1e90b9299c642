import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { keepMails, newUser, peopleClient } from './support/people.ts';
import { newWorld, withCode } from './support/world.ts';

const password = 'correct horse 7 battery';

async function invited(t: Parameters<typeof newWorld>[0]) {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const people = peopleClient(world.bus);
  const mails = await keepMails(world);
  const lastToken = async () => (await mails('invitation')).at(-1)?.values['token'] ?? assert.fail('no mail');
  return { world, people, mails, lastToken };
}

test('who accepts an invitation is a verified user in its groups, and of many at once one is', async (t) => {
  const { people, mails, lastToken } = await invited(t);
  const { invitation } = await people.invite({
    email: 'new@example.com',
    groups: ['operator', 'viewer'],
    name: 'newcomer',
  });
  assert.deepEqual([invitation?.state, invitation?.invitedBy, invitation?.userId], ['open', 'test', '']);
  assert.deepEqual(
    (await mails('invitation')).map(({ to, values }) => [to, values['name'], values['hours']]),
    [['new@example.com', 'test', '168']],
  );
  const token = await lastToken();
  const answers = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => people.accept({ token, name: `guest${i}`, password })),
  );
  const [made, ...more] = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.user] : []));
  assert.equal(more.length, 0);
  assert.deepEqual([made?.email, made?.groups, made?.hasPassword], ['new@example.com', ['operator', 'viewer'], true]);
  assert.ok(made?.emailVerifiedAt);
  for (const answer of answers) {
    if (answer.status === 'rejected') assert.equal(answer.reason.code, 'INVITATION_INVALID');
  }
  const [kept] = (await people.invitations()).invitations;
  assert.deepEqual([kept?.state, kept?.userId], ['accepted', made?.id]);
  assert.equal((await people.listUsers()).users.length, 1);
});

test('an acceptance whose answer was lost is answered again', async (t) => {
  const { people, lastToken } = await invited(t);
  await people.invite({ email: 'new@example.com', name: 'newcomer' });
  const message = { token: await lastToken(), password };
  const context = { operationId: randomUUID() };
  const first = await people.accept(message, context);
  assert.deepEqual(await people.accept(message, context), first);
  assert.equal(first.user?.name, 'newcomer', 'the name that was proposed');
});

test('invitations that were revoked, replaced or have expired open nothing', async (t) => {
  const { world, people, lastToken } = await invited(t);
  const invalid = withCode('INVITATION_INVALID');
  const accept = (token: string) => people.accept({ token, name: 'guest', password });
  const { invitation } = await people.invite({ email: 'one@example.com' });
  const revoked = await lastToken();
  await people.revokeInvitation(invitation?.id ?? '');
  await assert.rejects(people.revokeInvitation(invitation?.id ?? ''), withCode('INVITATION_ENDED'));
  await assert.rejects(people.revokeInvitation(randomUUID()), withCode('INVITATION_NOT_FOUND'));
  await assert.rejects(people.revokeInvitation('nonsense'), withCode('INVITATION_NOT_FOUND'));
  await assert.rejects(accept(revoked), invalid);

  await people.invite({ email: 'two@example.com' });
  const replaced = await lastToken();
  await people.invite({ email: 'TWO@example.com' });
  await assert.rejects(accept(replaced), invalid);

  const database = await world.database();
  await database.execute("UPDATE invitations SET expires_at = now() WHERE email = 'TWO@example.com'");
  await assert.rejects(accept(await lastToken()), invalid);
  await assert.rejects(accept('nonsense'), invalid);
  assert.deepEqual(
    (await people.invitations()).invitations.map(({ state }) => state),
    ['expired', 'replaced', 'revoked'],
  );
  assert.equal((await people.invitations({ onlyOpen: true })).invitations.length, 0);
});

test('a weak password or a name that is taken leave the invitation open', async (t) => {
  const { people, lastToken } = await invited(t);
  await newUser(people, 'anna');
  await people.invite({ email: 'new@example.com' });
  const token = await lastToken();
  await assert.rejects(people.accept({ token, name: 'ben', password: 'short' }), withCode('PASSWORD_TOO_WEAK'));
  await assert.rejects(people.accept({ token, password }), withCode('INVALID_REQUEST'), 'no name was proposed');
  await assert.rejects(people.accept({ token, name: 'Anna', password }), withCode('USER_NAME_TAKEN'));
  await people.accept({ token, name: 'ben', password });
});

test('whoever is a user already is not invited, and of many invitations of one address at once one is open', async (t) => {
  const { people } = await invited(t);
  await newUser(people, 'anna');
  await assert.rejects(people.invite({ email: 'ANNA@example.com' }), withCode('USER_EMAIL_TAKEN'));
  await Promise.all(Array.from({ length: 6 }, () => people.invite({ email: 'new@example.com' })));
  const { invitations } = await people.invitations({ pageSize: 4 });
  assert.deepEqual(
    invitations.map(({ state }) => state),
    ['open', 'replaced', 'replaced', 'replaced'],
  );
});
