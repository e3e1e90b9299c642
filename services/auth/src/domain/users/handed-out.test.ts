import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Permitted } from '@berth/contracts';
import { assertHolds } from './handed-out.ts';

const everything: Permitted = { permissions: ['*'] };
const people: Permitted = { permissions: ['users:*', 'groups:admin', 'vms:read'] };
const within: Permitted = {
  permissions: ['vms:*'],
  group: 'blue',
  grants: [{ group: '', permissions: ['groups:admin'] }],
};

const group = (permissions: string[], everywhere = false, name = 'red') => ({ name, permissions, everywhere });

const cases: readonly [string, Permitted | undefined, ReturnType<typeof group>, boolean][] = [
  ['an admin gives everything', everything, group(['*'], true), true],
  ['an admin gives a whole resource', everything, group(['vms:*']), true],
  ['what is held for all groups is given within one', people, group(['vms:read', 'users:read']), true],
  ['a whole resource is given by who holds the whole', people, group(['users:*'], true), true],
  ['one verb does not give its resource', people, group(['vms:*']), false],
  ['what is not held is not given', people, group(['vms:write']), false],
  ['not even an admin’s whole by who holds much', people, group(['*']), false],
  ['what is held within a group is given there', within, group(['vms:write'], false, 'blue'), true],
  ['and in no other', within, group(['vms:write']), false],
  ['and not for all', within, group(['vms:write'], true, 'blue'), false],
  ['strangers give nothing', undefined, group(['vms:read']), false],
  ['a group without permissions is anybody’s to give', people, group([]), true],
];

for (const [what, asker, given, allowed] of cases) {
  test(what, () => {
    if (allowed) assertHolds(asker, [given]);
    else assert.throws(() => assertHolds(asker, [given]), { code: 'PERMISSIONS_TOO_WIDE' });
  });
}
