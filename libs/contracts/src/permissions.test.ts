import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '@berth/errors';
import { type PermissionVerb, permissionsOf, permits, requirePermission } from './permissions.ts';

const verbs: readonly PermissionVerb[] = [
  'vms:read',
  'vms:write',
  'pools:read',
  'pools:write',
  'operations:read',
  'routers:read',
  'routers:admin',
  'api-keys:admin',
];

test('each level may do exactly what the table says', () => {
  const allowed = (level: keyof typeof permissionsOf) =>
    verbs.filter((verb) => permits({ permissions: permissionsOf[level] }, verb));
  assert.deepEqual(allowed('viewer'), ['vms:read', 'pools:read', 'operations:read', 'routers:read']);
  assert.deepEqual(allowed('operator'), ['vms:read', 'vms:write', 'pools:read', 'operations:read', 'routers:read']);
  assert.deepEqual(allowed('admin'), verbs);
});

test('a permission on a whole resource covers its verbs and no other resource', () => {
  const principal = { permissions: ['pools:*'] };
  assert.deepEqual(
    verbs.filter((verb) => permits(principal, verb)),
    ['pools:read', 'pools:write'],
  );
});

test('nobody may do anything by default, and beginnings of names permit nothing', () => {
  for (const permissions of [[], [''], ['vms'], ['vms:'], ['vms:w'], ['VMS:READ'], ['api-keys'], [':*'], ['**']]) {
    assert.deepEqual(
      verbs.filter((verb) => permits({ permissions }, verb)),
      [],
      `permissions ${JSON.stringify(permissions)}`,
    );
  }
});

test('a command without a principal is unauthenticated, one without the permission forbidden', () => {
  assert.throws(
    () => requirePermission(undefined, 'vms:read'),
    (error) => isKind(error, 'unauthenticated') && error.code === 'PRINCIPAL_MISSING',
  );
  assert.throws(
    () => requirePermission({ permissions: permissionsOf.viewer }, 'vms:write'),
    (error) => isKind(error, 'forbidden') && error.code === 'PERMISSION_DENIED',
  );
  requirePermission({ permissions: permissionsOf.operator }, 'vms:write');
});
