/** A ban as the history keeps it. */
export interface Ban {
  readonly id: string;
  readonly bannedAt: Date;
  /** A name for people. */
  readonly bannedBy: string;
  /** Null: until somebody lifts it. */
  readonly until: Date | null;
  readonly reason: string;
  /** Null: it stands. */
  readonly endedAt: Date | null;
  readonly endedBy: string;
  readonly ending: BanEnding | null;
  readonly liftReason: string;
}

export type BanEnding = 'lifted' | 'replaced' | 'ran_out';
