/** The times of a command, in milliseconds. */
export interface CommandTiming {
  /** After this, counted from its start, a command is refused instead of accepted. */
  readonly commandTimeoutMs: number;
  /** An answer that takes longer counts as silence. */
  readonly answerTimeoutMs: number;
  /** How much the database's clock may be behind ours, and how long the commit of an accepted command may take. */
  readonly clockSkewMs: number;
  /** For how long to send again when nobody listens: a replica may be restarting. */
  readonly nobodyThereMs: number;
  /** How long to trust the news before looking for the first time; doubled after each look, up to `longestLookMs`. */
  readonly firstLookMs: number;
  readonly longestLookMs: number;
}

export const defaultTiming: CommandTiming = {
  commandTimeoutMs: 10_000,
  answerTimeoutMs: 3_000,
  clockSkewMs: 2_000,
  nobodyThereMs: 3_000,
  firstLookMs: 1_000,
  longestLookMs: 5_000,
};
