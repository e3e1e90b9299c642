import type { AuditAction, AuditActorKind, AuditedChange, AuditedType } from '@berth/contracts';
import type { Fact } from '../domain/access-facts.ts';
import type { AccountStore } from './accounts/account-store.ts';
import type { Asker } from './asker.ts';
import type { IdentityProviderStore, IdentityStore } from './identities/identity-stores.ts';
import type { KeyChanges } from './keys/api-key-store.ts';
import type { LimitStore } from './limits/limit-store.ts';
import type { NewMail } from './mails/mail.ts';
import type { MailChanges } from './mails/mail-outbox.ts';
import type { SessionStore } from './sessions/session-store.ts';
import type { SigningKeyStore } from './sessions/signing-key-store.ts';
import type { TokenSigner } from './sessions/token-signer.ts';
import type { BanStore } from './users/ban-store.ts';
import type { GroupStore } from './users/group-store.ts';
import type { InvitationStore } from './users/invitation-store.ts';
import type { UserStore } from './users/user-store.ts';

/** Something that people want to hear of: a public event, in the words of the audit log. */
export interface AccessEvent {
  readonly what: AuditAction;
  readonly subject: { readonly type: AuditedType; readonly id: string };
  readonly userId?: string;
  readonly reason?: string;
}

/** An entry of the audit log. From where and when comes from the transaction. */
export interface NewAuditEntry extends Omit<AuditedChange, 'at'> {
  /** Default `succeeded`; otherwise the code of a failure. */
  readonly result?: string;
  /** Who did it, when it is not who asks: the user who signs in. */
  readonly actor?: { readonly id: string; readonly kind: AuditActorKind; readonly name: string };
}

/**
 * One transaction of auth: all of it is kept, or nothing. What is told, mailed and published leaves after its commit.
 *
 * Whoever locks more than one thing does it in this order, so that nobody waits in a circle (docs/decisions/0059-one-lock-order.md):
 * 1. the memory of a command's answer (before the use case begins);
 * 2. the word `identities`, then rows of identity providers;
 * 3. words: `identity …`, `address …`, `users`, `invitations`, `names`, `groups`, `api-keys`, `blocks`, `signing-keys`;
 * 4. rows of groups;
 * 5. rows of users, several of them by their ids;
 * 6. what belongs to a user: sessions, keys, identities, invitations, mail tokens, wishes for mails;
 * 7. what is told, which this does by itself at the end.
 * What is found in a later row and is needed for an earlier lock is read without a lock, and looked at again once the lock is held.
 */
export interface AuthTransaction {
  /** The database's clock when the transaction began. */
  readonly now: Date;
  /** The database's clock at this moment. */
  currentTime(): Promise<Date>;
  readonly users: UserStore;
  readonly groups: GroupStore;
  readonly sessions: SessionStore;
  readonly signer: TokenSigner;
  readonly signingKeys: SigningKeyStore;
  readonly accounts: AccountStore;
  readonly apiKeys: KeyChanges;
  readonly identities: IdentityStore;
  readonly identityProviders: IdentityProviderStore;
  readonly bans: BanStore;
  readonly invitations: InvitationStore;
  readonly limits: LimitStore;
  readonly mails: MailChanges;
  /** From here to the end of the transaction nobody else is past this line with the same word, on any replica. */
  alone(what: string): Promise<void>;
  /** From here to the end of the transaction nobody is `alone` with this word; others may be alongside, too. */
  alongside(what: string): Promise<void>;
  /** A fact for everybody who lets callers in; `until`: from then on nobody need know it. Absent: for ever; of users without limits of their own until their last access token has ended. */
  tell(fact: Fact, until?: Date): void;
  mail(mail: NewMail): void;
  audit(entry: NewAuditEntry): void;
  publish(event: AccessEvent): void;
}

/** Runs transactions of auth. */
export interface AuthTransactions {
  /** Runs `work` in one transaction, again after a deadlock; so it must have no effects outside. */
  run<T>(asker: Asker, work: (transaction: AuthTransaction) => Promise<T>): Promise<T>;
}
