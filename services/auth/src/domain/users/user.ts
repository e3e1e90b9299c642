import type { Limit } from '../limits/limit.ts';

/** A person, or a machine that signs in like one. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly emailVerifiedAt: Date | null;
  /** argon2id with its parameters; null: signs in with an identity provider only. */
  readonly passwordHash: string | null;
  readonly profile: Readonly<Record<string, string>>;
  /** Which fields of the profile everybody who is signed in may see. */
  readonly publicFields: readonly string[];
  /** All groups, the home group first: it owns what the user makes. */
  readonly groups: readonly string[];
  /** Null: as the groups say; 0: for ever. */
  readonly accessTokenSeconds: number | null;
  readonly refreshTokenSeconds: number | null;
  readonly limits: readonly Limit[];
  /** Grows when all sessions end: tokens with a lower one are not accepted any more. */
  readonly sessionVersion: number;
  /** Grows with every change of the groups. */
  readonly permissionsVersion: number;
  /** Null: not banned; `forEver`: until somebody lifts it. */
  readonly bannedUntil: Date | null;
  readonly banReason: string | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastSignInAt: Date | null;
}

/** How a ban without an end is stored: the last moment that a timestamp of JavaScript and of Postgres both hold. */
export const forEver = new Date('9999-12-31T00:00:00.000Z');

/** A ban that has run out lifts itself. */
export const isBanned = ({ bannedUntil }: Pick<User, 'bannedUntil'>, now: Date): boolean =>
  bannedUntil !== null && bannedUntil > now;

/** `user` with all sessions ended. */
export const withoutSessions = (user: User): User => ({ ...user, sessionVersion: user.sessionVersion + 1 });

/** `user` in these groups, the first being the home group. */
export const inGroups = (user: User, groups: readonly string[]): User => ({
  ...user,
  groups: [...new Set(groups)],
  permissionsVersion: user.permissionsVersion + 1,
});
