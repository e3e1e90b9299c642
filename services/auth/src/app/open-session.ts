import { randomBytes } from 'node:crypto';
import type { User } from '../domain/user.ts';
import type { AuthTransaction } from './auth-transaction.ts';

/** What a new session gives to who signed in. */
export interface OpenedSession {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Undefined: for ever. */
  readonly expiresInSeconds: number | undefined;
  readonly refreshExpiresInSeconds: number | undefined;
}

/** Stands in until sessions are there; to be replaced as a whole at the merge. */
export async function openSession(
  transaction: AuthTransaction,
  user: User,
  _client: { readonly address: string; readonly userAgent: string },
): Promise<OpenedSession> {
  await transaction.users.save({ ...user, lastSignInAt: transaction.now });
  const secret = () => randomBytes(32).toString('base64url');
  return {
    ...{ accessToken: `access-${user.id}.${secret()}`, refreshToken: `refresh-${secret()}` },
    ...{ expiresInSeconds: 900, refreshExpiresInSeconds: 2_592_000 },
  };
}
