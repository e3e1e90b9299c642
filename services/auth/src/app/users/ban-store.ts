import type { BanEnding } from '../../domain/users/ban.ts';
import type { User } from '../../domain/users/user.ts';

/** Whose decision something was. */
export interface DecidedBy {
  readonly id: string;
  readonly name: string;
}

export interface NewBan {
  readonly userId: string;
  readonly at: Date;
  readonly by: DecidedBy;
  /** Null: until somebody lifts it. */
  readonly until: Date | null;
  readonly reason: string;
}

export interface BanEnd {
  readonly at: Date;
  readonly by: DecidedBy;
  readonly ending: BanEnding;
  readonly reason: string;
}

/** The history of bans, within a transaction. Who is banned now stands with the user. */
export interface BanStore {
  begin(ban: NewBan): Promise<void>;
  /** Ends the one that stands; does nothing when none does. */
  end(userId: string, end: BanEnd): Promise<void>;
  /** Lifts bans whose time is over, at most so many; gives back the users as they were and are then. Others' locks are passed over. */
  liftRunOut(limit: number): Promise<readonly { readonly before: User; readonly after: User }[]>;
}
