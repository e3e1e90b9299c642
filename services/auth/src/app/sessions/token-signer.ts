import type { TokenLifetimes } from '../../domain/sessions/session.ts';
import type { User } from '../../domain/users/user.ts';

/** What an access token is made of. */
export interface AccessTokenSubject {
  readonly user: Pick<User, 'id' | 'name' | 'groups' | 'permissionsVersion' | 'sessionVersion'>;
  readonly sessionId: string;
  readonly issuedAt: Date;
  /** Undefined: never. */
  readonly expiresAt: Date | undefined;
}

/** Signs access tokens, within a transaction: with the key that signs at its beginning. */
export interface TokenSigner {
  /** Of users and groups that say nothing else. */
  readonly lifetimes: TokenLifetimes;
  sign(subject: AccessTokenSubject): Promise<string>;
}
