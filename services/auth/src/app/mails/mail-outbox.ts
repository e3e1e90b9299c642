import type { NewMail } from './mail.ts';

/** `sent` and `failed` have ended; a failed one can be tried again for a day. */
export type MailState = 'waiting' | 'sent' | 'failed';

/** A mail as people may see it: without what it says. */
export interface MailView {
  readonly id: string;
  readonly template: string;
  readonly recipient: string;
  readonly userId: string | null;
  readonly state: MailState;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly createdAt: Date;
  /** Of a mail that waits. */
  readonly nextAttemptAt: Date;
  readonly endedAt: Date | null;
  /** Grows with each mail. */
  readonly seq: bigint;
}

/** A mail that one replica is to send now. */
export interface ClaimedMail extends NewMail {
  readonly id: string;
  /** How often it was tried, this time included. Whoever settles it says it, so that nobody settles what others have taken over. */
  readonly attempts: number;
  readonly createdAt: Date;
}

/** The mails that are kept until they are sent. */
export interface MailOutbox {
  /** Takes mails that are due, at most so many; nobody else has them until the lease ends. */
  claim(most: number): Promise<readonly (ClaimedMail | UnreadableMail)[]>;
  sent(mail: Pick<ClaimedMail, 'id' | 'attempts'>): Promise<void>;
  /** `again`: after so many milliseconds; undefined: never. */
  failed(mail: Pick<ClaimedMail, 'id' | 'attempts'>, reason: string, again: number | undefined): Promise<void>;
  byId(id: string): Promise<MailView | undefined>;
  /** The newest first, before `before`. */
  page(state: MailState | undefined, before: bigint | undefined, limit: number): Promise<readonly MailView[]>;
  /** Drops what is past its time. */
  tidy(): Promise<void>;
}

/** A claimed mail whose text cannot be decrypted here. */
export interface UnreadableMail extends Pick<ClaimedMail, 'id' | 'attempts' | 'createdAt' | 'template'> {
  readonly unreadable: string;
}

/** Mails within a transaction. */
export interface MailChanges {
  /** Makes a mail that waits or has failed due at once; one that is being sent when that has ended. Undefined: there is none, or it has gone. */
  retry(id: string): Promise<MailView | 'gone' | undefined>;
  /** Replaces what a user wants to hear of. */
  subscribe(userId: string, topics: readonly string[]): Promise<void>;
}

/** What somebody wants to hear of. */
export type ReadSubscriptions = (userId: string) => Promise<readonly string[]>;

/** Carries mails away. */
export interface MailTransport {
  /** For the log: where mails go, without secrets. */
  readonly description: string;
  /** Throws MailRefused when it will never be taken, anything else when it may be later. */
  send(mail: WrittenMail): Promise<void>;
}

/** A mail as it is sent. */
export interface WrittenMail {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly createdAt: Date;
}

/** The receiving side will never take this mail. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
}
