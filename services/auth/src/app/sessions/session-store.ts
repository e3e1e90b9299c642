import type { Session, SessionEnd } from '../../domain/sessions/session.ts';

/** A refresh token as it is stored. */
export interface StoredRefreshToken {
  readonly hash: Buffer;
  readonly sessionId: string;
  readonly userId: string;
  /** Undefined: never. */
  readonly expiresAt: Date | undefined;
  /** The operation that used it; undefined: nobody did. */
  readonly usedBy: string | undefined;
}

/** A session that has just ended, and when the last of its access tokens ends by itself. */
export type EndedSession = Pick<Session, 'id' | 'accessTokensUntil'>;

/** Sessions, within a transaction. Whoever locks a session and its user locks the user first. */
export interface SessionStore {
  /** Adds a session with its first refresh token, and notes that its user signed in. */
  add(session: Session, refreshTokenHash: Buffer): Promise<void>;
  /** Locked against other changes until the transaction ends. */
  byId(id: string): Promise<Session | undefined>;
  /** Not locked. */
  refreshToken(hash: Buffer): Promise<StoredRefreshToken | undefined>;
  /** What `hash` was replaced by. */
  successorOf(hash: Buffer): Promise<StoredRefreshToken | undefined>;
  forgetToken(hash: Buffer): Promise<void>;
  /** Marks a refresh token as used by an operation, adds the one that replaces it, and saves the session. */
  replaceToken(used: { hash: Buffer; by: string }, next: Buffer, session: Session): Promise<void>;
  /** Ends one session of a user, or all but one; gives those that had not ended. */
  end(
    userId: string,
    which: { readonly id: string } | { readonly allBut: string },
    why: SessionEnd,
  ): Promise<readonly EndedSession[]>;
  /** How the user signed in before: whether at all, and whether from this device and address. */
  familiarity(
    userId: string,
    client: Pick<Session, 'device' | 'clientAddress'>,
  ): Promise<{ any: boolean; same: boolean }>;
  /** When the last access token of anybody ends; undefined: nobody has one. */
  lastAccessTokenEnd(): Promise<Date | undefined>;
}
