import { UserAdminService } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import type { Passwords } from '../../../app/accounts/passwords.ts';
import { pageSizeOf } from '../../../app/page-token.ts';
import { checkUserTerms, createUser, removeUser, updateUser } from '../../../app/users/administer-users.ts';
import { banUser, unbanUser } from '../../../app/users/ban-users.ts';
import { userNotFound } from '../../../domain/errors.ts';
import { banPage } from '../../postgres/access/access-directory.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { anyUser, userPage, userWithId } from '../../postgres/users/user-directory.ts';
import { dateOf } from '../messages.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { banMessage, masked, userMessage, userTerms } from './access-messages.ts';

/** What the handlers of users need. */
export interface UserAdminDeps {
  readonly bus: Bus;
  readonly database: Database;
  readonly transactions: PostgresAuthTransactions;
  readonly passwords: Passwords;
}

const { method } = UserAdminService;
const reading = { verb: 'users:read' } as const;
const access = { verb: 'users:admin' } as const;

/** Answers what UserAdminService says of users and bans. Gives back its stops. */
export const serveUsers = (deps: UserAdminDeps): (() => Promise<void>)[] => [
  ...serveReads(deps),
  ...serveChanges(deps),
  ...serveBans(deps),
];

const serveReads = ({ bus, database }: UserAdminDeps) => [
  serve(bus, method.listUsers, async ({ principal, filter, sort, pageSize, pageToken }) => {
    assertAccess(principal, reading);
    const { name = '', email = '', group = '', banned, verified } = filter ?? anyUser;
    const choice = { filter: { name, email, group, banned, verified }, sort, size: pageSizeOf(pageSize) };
    const page = await userPage(database, { ...choice, token: pageToken });
    const now = new Date();
    return { users: page.items.map((user) => userMessage(user, now)), nextPageToken: page.nextToken };
  }),
  serve(bus, method.getUserRecord, async ({ principal, id }) => {
    assertAccess(principal, reading);
    const user = await userWithId(database, id);
    if (user === undefined) throw userNotFound();
    return { user: userMessage(user, new Date()) };
  }),
  serve(bus, method.listBans, async ({ principal, userId, pageSize, pageToken }) => {
    assertAccess(principal, reading);
    const page = await banPage(database, userId, { size: pageSizeOf(pageSize), token: pageToken });
    return { bans: page.items.map(banMessage), nextPageToken: page.nextToken };
  }),
];

const serveChanges = (deps: UserAdminDeps) => [
  serveCommand(deps, method.createUser, { access }, async (request, asker, inTransaction) => {
    const terms = userTerms(request.user, request.emailVerified);
    const passwordHash = await newHash(deps.passwords, request.password, terms);
    return inTransaction(async (transaction) => ({
      user: userMessage(await createUser(transaction, asker, { ...terms, passwordHash }), transaction.now),
    }));
  }),
  serveCommand(deps, method.updateUser, { access }, async (request, asker, inTransaction) => {
    const changes = masked(userTerms(request.user, request.emailVerified), request.updateMask?.paths ?? []);
    checkUserTerms(changes);
    const choice = { id: request.user?.id ?? '', ifVersion: request.context?.ifVersion ?? 0n };
    return inTransaction(async (transaction) => ({
      user: userMessage(await updateUser(transaction, asker, { ...choice, changes }), transaction.now),
    }));
  }),
  serveCommand(deps, method.removeUser, { access }, ({ id, context }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      await removeUser(transaction, asker, { id, ifVersion: context?.ifVersion ?? 0n });
      return {};
    }),
  ),
];

const serveBans = (deps: UserAdminDeps) => [
  serveCommand(deps, method.banUser, { access }, ({ id, until, reason, notify }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const user = await banUser(transaction, asker, { id, until: dateOf(until), reason, notify });
      return { user: userMessage(user, transaction.now) };
    }),
  ),
  serveCommand(deps, method.unbanUser, { access }, ({ id, reason }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const user = await unbanUser(transaction, asker, { id, reason });
      return { user: userMessage(user, transaction.now) };
    }),
  ),
];

/** What is stored of the password, once it and the terms are found good; null: it is asked for by mail. */
async function newHash(
  passwords: Passwords,
  password: string,
  terms: Parameters<typeof checkUserTerms>[0] & { readonly name: string; readonly email: string | null },
): Promise<string | null> {
  if (password === '') {
    const message = 'must be given when there is no e-mail address where one can be asked for';
    checkUserTerms(terms, terms.email === null ? [{ field: 'password', message }] : []);
    return null;
  }
  checkUserTerms(terms);
  await passwords.check(password, terms);
  return passwords.hash(password);
}
