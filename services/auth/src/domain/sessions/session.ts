import { forEver, type User } from '../users/user.ts';

/** What began with one sign-in and goes on with each refresh. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  /** The user's when it began: a higher one has ended it. */
  readonly sessionVersion: number;
  /** The User-Agent. */
  readonly device: string;
  readonly clientAddress: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  /** Undefined: never. */
  readonly expiresAt: Date | undefined;
  /** When the last of its access tokens ends; `forEver`: never. */
  readonly accessTokensUntil: Date;
  readonly endedAt: Date | undefined;
}

/** Why a session ended. */
export type SessionEnd = 'signed-out' | 'ended' | 'reused';

/** For how many seconds tokens work; 0: for ever. */
export interface TokenLifetimes {
  readonly accessSeconds: number;
  readonly refreshSeconds: number;
}

type Lifetimes = Pick<User, 'accessTokenSeconds' | 'refreshTokenSeconds'>;

/** The user's own, else the longest that one of its groups has, else what the settings say. */
export const lifetimesOf = (
  user: Lifetimes,
  groups: readonly Lifetimes[],
  settings: TokenLifetimes,
): TokenLifetimes => ({
  accessSeconds:
    user.accessTokenSeconds ?? longest(groups.map((group) => group.accessTokenSeconds)) ?? settings.accessSeconds,
  refreshSeconds:
    user.refreshTokenSeconds ?? longest(groups.map((group) => group.refreshTokenSeconds)) ?? settings.refreshSeconds,
});

function longest(seconds: readonly (number | null)[]): number | undefined {
  const given = seconds.filter((one) => one !== null);
  if (given.length === 0) return undefined;
  return given.includes(0) ? 0 : Math.max(...given);
}

/** When something ends that begins at `from` and works for so many seconds; undefined: never. */
export const endOf = (from: Date, seconds: number): Date | undefined =>
  seconds === 0 ? undefined : new Date(from.getTime() + seconds * 1_000);

/** The later one; undefined is never. */
export const laterEnd = (one: Date, other: Date | undefined): Date =>
  other === undefined || other > forEver ? forEver : new Date(Math.max(one.getTime(), other.getTime()));

/** Whether its refresh token may still be used. */
export const isAlive = (session: Session, user: Pick<User, 'sessionVersion'>, now: Date): boolean =>
  session.endedAt === undefined &&
  session.sessionVersion === user.sessionVersion &&
  (session.expiresAt === undefined || session.expiresAt > now);

/** Clocks differ: whoever lets callers in knows of a revocation for longer than its tokens last. */
const clockMarginMs = 300_000;

/** Until when it has to be known that tokens that end then were revoked; undefined: for ever. */
export const knownUntil = (tokensUntil: Date): Date | undefined =>
  tokensUntil >= forEver ? undefined : new Date(tokensUntil.getTime() + clockMarginMs);
