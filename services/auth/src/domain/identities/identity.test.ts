import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOfName } from '../accounts/user-name.ts';
import { nameCandidates, profileOf } from './identity.ts';

const names = (claims: object) => nameCandidates(profileOf({ sub: 's', ...claims }) ?? assert.fail(), 'abcd');

test('names to try come from the claims, in letters that a name may have', () => {
  assert.equal(names({ preferred_username: 'Zoë O’Neill', name: 'x' })[0], 'zoe-o-neill');
  assert.deepEqual(names({ name: '张伟', email: '007.Bond@x.example', email_verified: true }).slice(0, 2), [
    'bond',
    'bond-2',
  ]);
  assert.equal(names({})[0], 'user');
  assert.equal(names({ login: 'a'.repeat(99) })[0]?.length, 30);
  assert.equal(names({ login: 'sam' }).at(-1), 'sam-abcd');
  for (const claims of [{}, { name: 'Zoë O’Neill' }, { login: 'a'.repeat(99) }, { nickname: '-_-x.y--' }]) {
    assert.deepEqual(names(claims).flatMap(faultsOfName), [], 'the rule is the one for everybody');
  }
});

test('an address counts only when the provider says that it is verified, and is one', () => {
  const email = 'a@x.example';
  const verified = (claims: object) => profileOf({ sub: 's', ...claims })?.verifiedEmail;
  for (const yes of [true, 'true']) assert.equal(verified({ email, email_verified: yes }), email);
  for (const no of [false, 'false', undefined, 1]) assert.equal(verified({ email, email_verified: no }), null);
  for (const none of ['a', 'a@b', 'a b@x.example', `${'a'.repeat(250)}@x.example`, ['a@x.example']]) {
    assert.equal(verified({ email: none, email_verified: true }), null);
  }
});

test('who has no subject is nobody', () => {
  for (const sub of [undefined, '', null, {}, 1.5, 'x'.repeat(256)]) assert.equal(profileOf({ sub }), undefined);
  assert.equal(profileOf({ id: 583_231 })?.subject, '583231');
  assert.equal(profileOf({ sub: 'auth0|Zoë' })?.subject, 'auth0|Zoë');
  assert.equal(profileOf({ sub: 'a\u0000b' }), undefined, 'which nothing could store');
});
