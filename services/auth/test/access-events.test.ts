import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitService } from '@berth/contracts';
import { request } from '@berth/messaging';
import { aUser, identityClient } from './support/identity-client.ts';
import { clientSecret, openIdProvider } from './support/openid-provider.ts';
import { keepMails, peopleClient } from './support/people.ts';
import { admin, newWorld } from './support/world.ts';

const password = 'correct horse 7 battery';

test('how people come in is told when it changes: identities, providers, invitations and limits, without addresses and secrets', async (t) => {
  const world = await newWorld(t);
  await world.replica({ providersOnPrivateNetworks: true });
  const database = await world.database();
  const accounts = { ann: { email: 'ann@corp.example', email_verified: true, groups: ['ops'] } };
  const corp = await openIdProvider(t, accounts);
  const [api, people, mails] = [identityClient(world.bus), peopleClient(world.bus), await keepMails(world)];

  await api.createProvider('corp', { issuer: corp.issuer });
  await api.changeProvider('corp', { enabled: true, displayName: 'Corp' }, ['display_name']);
  await api.changeProvider('corp', { enabled: true, displayName: 'Corp' }, ['display_name']); // changes nothing
  const ann = await aUser(database, { name: 'ann', email: 'ann@x.example', password: 'h' });
  const { authorizationUrl, attempt } = await api.startLink('corp', ann);
  const { identity } = await api.finishLink('corp', ann, { attempt, ...(await corp.visit(authorizationUrl, 'ann')) });
  await api.unlink(ann, identity?.id ?? '');
  await api.removeProvider('corp');

  const { invitation: revoked } = await people.invite({ email: 'planted-one@example.com' });
  await people.revokeInvitation(revoked?.id ?? '');
  const { invitation: accepted } = await people.invite({ email: 'planted-two@example.com' });
  const token = (await mails('invitation')).at(-1)?.values['token'] ?? assert.fail('no mail');
  const { user } = await people.accept({ token, name: 'newcomer', password });

  const rule = { subject: 'user', endpointGroup: '', windowSeconds: 60, requests: 5n, mode: 'block' };
  const asked = { context: { principal: admin }, rules: [rule] };
  await request(world.bus, LimitService.method.setLimits, asked, { timeoutMs: 10_000 });

  const rows = await database.query<{ subject: string; payload: Buffer }>(
    "SELECT subject, payload FROM outbox WHERE subject LIKE '%events.access.%' AND subject NOT LIKE '%api_key%' ORDER BY seq",
  );
  const told = rows.map(({ subject, payload }) => {
    const { userId = '' } = JSON.parse(payload.toString('utf8'));
    return [subject.replace(/^.*events\.access\./, ''), userId];
  });
  assert.deepEqual(told, [
    ['identity_provider.created.corp', ''],
    ['identity_provider.changed.corp', ''],
    [`identity.linked.${identity?.id}`, ann],
    [`identity.unlinked.${identity?.id}`, ann],
    ['identity_provider.deleted.corp', ''],
    [`invitation.created.${revoked?.id}`, ''],
    [`invitation.revoked.${revoked?.id}`, ''],
    [`invitation.created.${accepted?.id}`, ''],
    [`user.created.${user?.id}`, user?.id],
    [`invitation.accepted.${accepted?.id}`, user?.id],
    ['limit.changed.limits', ''],
  ]);
  const text = rows.map(({ payload }) => payload.toString('utf8')).join('\n');
  for (const secret of [clientSecret, token, password, 'planted-', 'x.example']) assert.ok(!text.includes(secret));
});
