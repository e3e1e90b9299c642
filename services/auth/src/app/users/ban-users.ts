import type { AuditAction } from '@berth/contracts';
import { refuseFields } from '../../domain/errors.ts';
import { textErrors } from '../../domain/users/access-terms.ts';
import { notBanned, ownBan } from '../../domain/users/administration-errors.ts';
import { forEver, isBanned, type User, withoutSessions } from '../../domain/users/user.ts';
import { type Asker, berthItself } from '../asker.ts';
import { auditedUser } from '../audited-states.ts';
import type { AuthTransaction, AuthTransactions } from '../auth-transaction.ts';
import { administeredUser, assertAdminRemains, decidedBy, resourceOf, tellRights } from './administered-user.ts';

const mostAtOnce = 100;

/** What a ban says. */
export interface BanTerms {
  readonly id: string;
  /** Undefined: until somebody lifts it. */
  readonly until: Date | undefined;
  /** The user reads it. */
  readonly reason: string;
  /** Tells the user by mail. */
  readonly notify: boolean;
}

/**
 * Keeps a user out: all sessions end and nothing is accepted from them, on every gateway, until the ban ends. One that stands is replaced.
 * Nobody bans themselves, nor the last admin.
 */
export async function banUser(transaction: AuthTransaction, asker: Asker, terms: BanTerms): Promise<User> {
  const { now, users, bans } = transaction;
  const { id, until, reason, notify } = terms;
  refuseFields([
    ...reasonErrors(reason),
    ...(until !== undefined && !(until > now && until < forEver)
      ? [{ field: 'until', message: 'must lie in the future' }]
      : []),
  ]);
  await transaction.alone('users');
  const user = await administeredUser(transaction, asker, { id, ifVersion: 0n });
  if (asker.principal?.userId === user.id) throw ownBan();
  await assertAdminRemains(transaction, user);
  const by = decidedBy(asker);
  const banned = await users.save({ ...withoutSessions(user), bannedUntil: until ?? forEver, banReason: reason });
  await bans.end(user.id, { at: now, by, ending: 'replaced', reason: '' });
  await bans.begin({ userId: user.id, at: now, by, until: until ?? null, reason });
  tellRights(transaction, banned);
  if (notify && user.email !== null) {
    const values = { name: user.name, until: until?.toISOString() ?? '', reason };
    transaction.mail({ template: 'banned', to: user.email, userId: user.id, values });
  }
  tellOthers(transaction, { action: 'user.banned', before: user, after: banned, reason });
  return banned;
}

/** Lets a banned user in again. They sign in anew: what ended with the ban stays ended. */
export async function unbanUser(
  transaction: AuthTransaction,
  asker: Asker,
  { id, reason }: { readonly id: string; readonly reason: string },
): Promise<User> {
  refuseFields(reasonErrors(reason));
  const user = await administeredUser(transaction, asker, { id, ifVersion: 0n });
  if (!isBanned(user, transaction.now)) throw notBanned();
  const freed = await transaction.users.save({ ...user, bannedUntil: null, banReason: null });
  await transaction.bans.end(id, { at: transaction.now, by: decidedBy(asker), ending: 'lifted', reason });
  tellFreed(transaction, freed);
  tellOthers(transaction, { action: 'user.unbanned', before: user, after: freed, reason });
  return freed;
}

/**
 * Writes down that bans have run out, and tells it. Who signs in is judged by the ban's own end; this lets gateways know, and the user.
 * Gives back how many there were.
 */
export const liftRunOutBans = (transactions: AuthTransactions): Promise<number> =>
  transactions.run(berthItself, async (transaction) => {
    const freed = await transaction.bans.liftRunOut(mostAtOnce);
    for (const { before, after } of freed) {
      tellFreed(transaction, after);
      tellOthers(transaction, { action: 'user.unbanned', before, after, reason: 'its time is over' });
    }
    return freed.length;
  });

function tellFreed(transaction: AuthTransaction, user: User): void {
  tellRights(transaction, user);
  if (user.email === null) return;
  transaction.mail({ template: 'unbanned', to: user.email, userId: user.id, values: { name: user.name } });
}

function tellOthers(
  transaction: AuthTransaction,
  { action, before, after, reason }: { action: AuditAction<'user'>; before: User; after: User; reason: string },
): void {
  const resource = resourceOf(after);
  const states = { before: auditedUser(before), after: auditedUser(after) };
  transaction.audit({ action, resource, ...states, details: { reason } });
  transaction.publish({ what: action, subject: { type: 'user', id: after.id }, userId: after.id, reason });
}

const reasonErrors = (reason: string) =>
  reason.trim() === '' ? [{ field: 'reason', message: 'must not be empty' }] : textErrors('reason', reason);
