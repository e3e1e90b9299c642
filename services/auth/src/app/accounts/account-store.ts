import type { MailTokenPurpose } from '../../domain/mails/mail-token.ts';
import type { User } from '../../domain/users/user.ts';

/** A registration that waits for a proof of its address. */
export interface Registration {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly passwordHash: string;
}

/** Registrations that wait. They are found until their time is over. */
export interface RegistrationStore {
  add(registration: Registration, until: Date): Promise<void>;
  byToken(tokenHash: Buffer): Promise<Registration | undefined>;
  byId(id: string): Promise<Registration | undefined>;
  newestOf(email: string): Promise<Registration | undefined>;
  /** From now on this token verifies it, until then; one that did before does no more. */
  giveToken(id: string, tokenHash: Buffer, until: Date): Promise<void>;
  /** No token verifies a registration of the address any more. */
  voidTokensOf(email: string): Promise<void>;
  removeAllOf(email: string): Promise<void>;
}

/** Tokens that were mailed to users. */
export interface MailTokenStore {
  add(token: { hash: Buffer; purpose: MailTokenPurpose; userId: string; email: string; until: Date }): Promise<void>;
  /** Whose token it is; not locked. */
  userOf(purpose: MailTokenPurpose, hash: Buffer): Promise<string | undefined>;
  /** Takes a token that still opens something out of the store: it is used now. */
  take(purpose: MailTokenPurpose, hash: Buffer): Promise<{ userId: string; email: string } | undefined>;
  /** Ends those of one purpose, or all. */
  removeAllOf(userId: string, purpose?: MailTokenPurpose): Promise<void>;
}

/** A mail that somebody asked for. Whether it is sent, and what it says, is decided after the asker was answered. */
export interface MailRequest {
  readonly kind: 'register' | 'resend' | 'forgot' | 'new-email';
  readonly email: string;
  readonly registrationId?: string | undefined;
  readonly userId?: string | undefined;
}

/** Mails that were asked for. */
export interface MailRequestStore {
  add(request: MailRequest): Promise<void>;
  /** Takes the oldest of strangers that nobody else is working on. */
  takeOfStranger(): Promise<MailRequest | undefined>;
  /** The oldest of those that users asked for; not locked, and still there. */
  oldestOfUser(): Promise<(MailRequest & { readonly id: string; readonly userId: string }) | undefined>;
  /** Takes one that a user asked for; the user is to be locked before. False: it is gone. */
  takeOfUser(id: string): Promise<boolean>;
  /** Drops those that a user asked for and that nobody has answered yet. */
  removeAllOf(userId: string): Promise<void>;
  /** Counts one more, and says how many of that kind there were for that address within the hour that began with the first. */
  count(request: MailRequest): Promise<number>;
}

/** Passwords that users had before. */
export interface FormerPasswords {
  /** Adds one, and forgets all but the newest `keep`. */
  add(userId: string, passwordHash: string, keep: number): Promise<void>;
}

/** What belongs to accounts beside users, within a transaction. */
export interface AccountStore {
  readonly registrations: RegistrationStore;
  readonly mailTokens: MailTokenStore;
  readonly mailRequests: MailRequestStore;
  readonly formerPasswords: FormerPasswords;
}

/** Reads accounts outside transactions, locking nothing. */
export interface AccountReader {
  byId(id: string): Promise<User | undefined>;
  byName(name: string): Promise<User | undefined>;
  /** Whose name or e-mail address this is: nobody's name can be an address. */
  byLogin(login: string): Promise<User | undefined>;
  /** Whose password this token may set. */
  byResetToken(hash: Buffer): Promise<User | undefined>;
  /** Hashes, the newest first. */
  formerPasswords(userId: string, most: number): Promise<readonly string[]>;
}
