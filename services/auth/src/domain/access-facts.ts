import type { Limit } from './limits/limit.ts';
import type { Group } from './users/group.ts';
import { isBanned, type User } from './users/user.ts';

/** What everybody has to know who lets callers in. A newer fact of the same kind about the same subject replaces the older one. */
export type Fact =
  | { readonly kind: 'signing-key'; readonly id: string; readonly publicJwk: string; readonly removed: boolean }
  | {
      readonly kind: 'group';
      readonly name: string;
      readonly permissions: readonly string[];
      readonly everywhere: boolean;
      readonly limits: readonly Limit[];
      readonly removed: boolean;
    }
  | {
      readonly kind: 'user';
      readonly id: string;
      readonly oldestSessionVersion: number;
      readonly permissionsVersion: number;
      readonly groups: readonly string[];
      readonly refused: boolean;
      readonly limits: readonly Limit[];
    }
  | { readonly kind: 'session'; readonly id: string }
  /** One key, or all of a user. */
  | { readonly kind: 'api-key'; readonly id: string }
  | { readonly kind: 'api-keys-of'; readonly userId: string }
  | { readonly kind: 'limits'; readonly rules: string }
  | { readonly kind: 'block'; readonly subject: string; readonly until: Date | undefined; readonly reason: string };

/** What a user's older tokens do not say. */
export const userFact = (user: User, now: Date): Fact => ({
  kind: 'user',
  id: user.id,
  oldestSessionVersion: user.sessionVersion,
  permissionsVersion: user.permissionsVersion,
  groups: user.groups,
  refused: isBanned(user, now),
  limits: user.limits,
});

/** A user who is not there any more. */
export const removedUserFact = (user: User): Fact => ({
  kind: 'user',
  id: user.id,
  oldestSessionVersion: user.sessionVersion + 1,
  permissionsVersion: user.permissionsVersion + 1,
  groups: [],
  refused: true,
  limits: [],
});

export const groupFact = ({ name, permissions, everywhere, limits }: Group): Fact => ({
  kind: 'group',
  ...{ name, permissions, everywhere, limits },
  removed: false,
});

export const removedGroupFact = (name: string): Fact => ({
  kind: 'group',
  ...{ name, permissions: [], everywhere: false, limits: [] },
  removed: true,
});

/** What the fact is about, within its kind. */
export function subjectOf(fact: Fact): string {
  switch (fact.kind) {
    case 'group':
      return fact.name;
    case 'api-keys-of':
      return fact.userId;
    case 'limits':
      return '';
    case 'block':
      return fact.subject;
    case 'signing-key':
    case 'user':
    case 'session':
    case 'api-key':
      return fact.id;
  }
}
