/** Somebody was asked by mail to become a user, or to choose their first password. */
export interface Invitation {
  readonly id: string;
  readonly email: string;
  /** A name that is proposed; empty: none. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Who has been made already and shall choose a password, or who accepted it. */
  readonly userId: string | null;
  readonly invitedBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly ending: InvitationEnding | null;
}

export type InvitationEnding = 'accepted' | 'revoked' | 'replaced';

/** What has become of it by `now`. */
export const stateOf = ({ ending, expiresAt }: Invitation, now: Date): InvitationEnding | 'open' | 'expired' =>
  ending ?? (expiresAt > now ? 'open' : 'expired');
