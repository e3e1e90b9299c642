import { GroupService } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import { pageSizeOf } from '../../../app/page-token.ts';
import {
  addMember,
  createGroup,
  deleteGroup,
  removeMember,
  updateGroup,
} from '../../../app/users/administer-groups.ts';
import { groupNotFound } from '../../../domain/users/administration-errors.ts';
import { groupNamed, groupPage } from '../../postgres/access/access-directory.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { anyUser, userPage } from '../../postgres/users/user-directory.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { groupMessage, groupTerms, masked, memberMessage } from './access-messages.ts';

interface Deps {
  readonly bus: Bus;
  readonly database: Database;
  readonly transactions: PostgresAuthTransactions;
}

const { method } = GroupService;
const access = { verb: 'groups:admin' } as const;

/** Answers GroupService. Gives back its stops. */
export const serveGroups = (deps: Deps): (() => Promise<void>)[] => [
  ...serveReads(deps),
  ...serveChanges(deps),
  ...serveMembers(deps),
];

const serveReads = ({ bus, database }: Deps) => [
  serve(bus, method.listGroups, async ({ principal, pageSize, pageToken }) => {
    assertAccess(principal, access);
    const page = await groupPage(database, { size: pageSizeOf(pageSize), token: pageToken });
    return { groups: page.items.map(groupMessage), nextPageToken: page.nextToken };
  }),
  serve(bus, method.getGroup, async ({ principal, name }) => {
    assertAccess(principal, access);
    return { group: groupMessage(await existing(database, name)) };
  }),
  serve(bus, method.listGroupMembers, async ({ principal, name, pageSize, pageToken }) => {
    assertAccess(principal, access);
    await existing(database, name);
    const filter = { ...anyUser, group: name };
    const page = await userPage(database, { filter, sort: '', size: pageSizeOf(pageSize), token: pageToken });
    return { members: page.items.map((user) => memberMessage(user, name)), nextPageToken: page.nextToken };
  }),
];

const serveChanges = (deps: Deps) => [
  serveCommand(deps, method.createGroup, { access }, ({ group, takeOver }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const terms = { name: group?.name ?? '', ...groupTerms(group), takeOver };
      return { group: groupMessage(await createGroup(transaction, asker, terms)) };
    }),
  ),
  serveCommand(deps, method.updateGroup, { access }, ({ group, updateMask, context }, asker, inTransaction) => {
    const changes = masked(groupTerms(group), updateMask?.paths ?? []);
    const choice = { name: group?.name ?? '', ifVersion: context?.ifVersion ?? 0n };
    return inTransaction(async (transaction) => ({
      group: groupMessage(await updateGroup(transaction, asker, { ...choice, changes })),
    }));
  }),
  serveCommand(deps, method.deleteGroup, { access }, ({ name, force, context }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      await deleteGroup(transaction, asker, { name, force, ifVersion: context?.ifVersion ?? 0n });
      return {};
    }),
  ),
];

const serveMembers = (deps: Deps) => [
  serveCommand(deps, method.addGroupMember, { access }, ({ name, userId, home }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const user = await addMember(transaction, asker, { name, userId, home });
      return { member: memberMessage(user, name) };
    }),
  ),
  serveCommand(deps, method.removeGroupMember, { access }, ({ name, userId }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      await removeMember(transaction, asker, { name, userId });
      return {};
    }),
  ),
];

async function existing(database: Database, name: string) {
  const group = await groupNamed(database, name);
  if (group === undefined) throw groupNotFound(name);
  return group;
}
