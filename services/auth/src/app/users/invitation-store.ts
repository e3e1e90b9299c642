import type { Invitation, InvitationEnding } from '../../domain/users/invitation.ts';
import type { DecidedBy } from './ban-store.ts';

export interface NewInvitation {
  readonly tokenHash: Buffer;
  readonly email: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly userId: string | null;
  readonly by: DecidedBy;
  readonly at: Date;
  readonly expiresAt: Date;
}

/** Invitations, within a transaction. */
export interface InvitationStore {
  /** Locked until the transaction ends. */
  byId(id: string): Promise<Invitation | undefined>;
  /** The same. */
  byToken(tokenHash: Buffer): Promise<Invitation | undefined>;
  /** Whom the invitation with this token is about, if it is about somebody; not locked. */
  userOf(tokenHash: Buffer): Promise<string | undefined>;
  /** One address has one open invitation: end those before. */
  add(invitation: NewInvitation): Promise<Invitation>;
  end(id: string, end: { ending: InvitationEnding; at: Date; userId: string | null }): Promise<void>;
  /** Ends all open ones of an address, or that ask a user to choose a password. */
  endOpen(of: { email: string } | { userId: string }, end: { ending: InvitationEnding; at: Date }): Promise<void>;
}
