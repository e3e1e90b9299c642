import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupService, type PermissionVerb, permissionVerbs, UserAdminService } from '@berth/contracts';
import { request } from '@berth/messaging';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { holderOf } from './support/people.ts';
import { newWorld, withCode } from './support/world.ts';

/** What each method needs; null: anybody may ask. A method without a line fails the test. */
const needs: Readonly<Record<string, PermissionVerb | null>> = {
  ListUsers: 'users:read',
  GetUserRecord: 'users:read',
  ListBans: 'users:read',
  ListInvitations: 'users:read',
  CreateUser: 'users:admin',
  UpdateUser: 'users:admin',
  RemoveUser: 'users:admin',
  BanUser: 'users:admin',
  UnbanUser: 'users:admin',
  CreateInvitation: 'users:admin',
  RevokeInvitation: 'users:admin',
  AcceptInvitation: null,
  ListGroups: 'groups:admin',
  GetGroup: 'groups:admin',
  CreateGroup: 'groups:admin',
  UpdateGroup: 'groups:admin',
  DeleteGroup: 'groups:admin',
  ListGroupMembers: 'groups:admin',
  AddGroupMember: 'groups:admin',
  RemoveGroupMember: 'groups:admin',
};

test('each method refuses strangers, who holds all other permissions, and who holds its own only within a group', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const methods: readonly DescMethodUnary[] = [
    ...Object.values(UserAdminService.method),
    ...Object.values(GroupService.method),
  ];
  assert.deepEqual(methods.map(({ name }) => name).sort(), Object.keys(needs).sort());
  for (const method of methods) {
    const verb = needs[method.name];
    const ask = (principal?: ReturnType<typeof holderOf>) => {
      const as = principal && { principal, context: { principal } };
      const isRead = method.input.fields.some(({ name }) => name === 'principal');
      const message = isRead ? { principal: as?.principal } : { context: as?.context };
      return request(world.bus, method, Object.fromEntries(Object.entries(message).filter(([, value]) => value)), {
        timeoutMs: 10_000,
      });
    };
    if (verb === null || verb === undefined) {
      await assert.rejects(ask(), withCode('INVITATION_INVALID'), method.name);
      continue;
    }
    const others = permissionVerbs.filter((one) => one !== verb);
    await assert.rejects(ask(), withCode('PRINCIPAL_MISSING'), method.name);
    await assert.rejects(ask(holderOf(...others)), withCode('PERMISSION_DENIED'), method.name);
    await assert.rejects(ask({ ...holderOf(verb), group: 'blue' }), withCode('PERMISSION_DENIED'), method.name);
    const allowed = await ask(holderOf(verb)).catch((error: { code: string }) => error.code);
    assert.notEqual(allowed, 'PERMISSION_DENIED', method.name);
  }
});
