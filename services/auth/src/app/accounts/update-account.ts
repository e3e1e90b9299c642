import { accountInputInvalid } from '../../domain/accounts/account-errors.ts';
import { faultsOfProfile, faultsOfShown, withFields } from '../../domain/accounts/profile.ts';
import { faultsOfName } from '../../domain/accounts/user-name.ts';
import { assertVersion, userNotFound } from '../../domain/errors.ts';
import type { User } from '../../domain/users/user.ts';
import { auditedProfile } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

/** What changes of an account. */
export interface AccountChanges {
  /** Undefined: it stays. */
  readonly name: string | undefined;
  /** Fields with their new values; empty: the field goes. */
  readonly profile: Readonly<Record<string, string>>;
  /** Undefined: they stay. */
  readonly publicFields: readonly string[] | undefined;
}

/**
 * Changes name, profile, or what others see of it. The user hears by mail which of them it was. Throws `precondition_failed` unless the
 * account has the version `ifVersion` (0: any), and `conflict` USER_NAME_TAKEN.
 */
export function updateAccount(
  userId: string,
  changes: AccountChanges,
  ifVersion: bigint,
): (transaction: AuthTransaction) => Promise<User> {
  refuseFaults(changes);
  return async (transaction) => {
    if (changes.name !== undefined) await transaction.alone('names');
    const user = await transaction.users.byId(userId);
    if (user === undefined) throw userNotFound();
    assertVersion(ifVersion, user.version);
    const wanted = {
      name: changes.name ?? user.name,
      profile: withFields(user.profile, changes.profile),
      publicFields: [...new Set(changes.publicFields ?? user.publicFields)],
    };
    const fields = changedFields(user, wanted);
    if (fields.length === 0) return user;
    const saved = await transaction.users.save({ ...user, ...wanted });
    tellChanged(transaction, { before: user, after: saved, fields });
    return saved;
  };
}

function refuseFaults({ name, profile, publicFields = [] }: AccountChanges): void {
  const ofName = name === undefined ? [] : faultsOfName(name);
  const faults = [...ofName, ...faultsOfProfile(profile), ...faultsOfShown(publicFields)];
  if (faults.length > 0) throw accountInputInvalid(faults);
}

type Shown = Pick<User, 'name' | 'profile' | 'publicFields'>;

function changedFields(before: Shown, after: Shown): readonly string[] {
  const names = new Set([...Object.keys(before.profile), ...Object.keys(after.profile)]);
  return [
    ...(before.name === after.name ? [] : ['name']),
    ...[...names].filter((name) => before.profile[name] !== after.profile[name]).sort(),
    ...(before.publicFields.join() === after.publicFields.join() ? [] : ['public_fields']),
  ];
}

function tellChanged(
  { mail, audit, publish }: AuthTransaction,
  { before, after, fields }: { before: User; after: User; fields: readonly string[] },
): void {
  const subject = { type: 'user', id: after.id } as const;
  if (after.email !== null) {
    const values = { name: after.name, fields: fields.join(', ') };
    mail({ template: 'profile-changed', to: after.email, userId: after.id, values });
  }
  audit({
    action: 'user.profile_changed',
    resource: { id: after.id, name: after.name },
    before: auditedProfile(before),
    after: auditedProfile(after),
  });
  publish({ what: 'user.profile_changed', subject, userId: after.id });
}
