import { defineMigration } from '@berth/database';

/** Limits that hold for everybody, what is taken of limits, refusals, and who is kept out. */
export const limits = defineMigration('auth-0008-limits', [
  `CREATE TABLE limit_rules (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    rules jsonb NOT NULL,
    version bigint NOT NULL
  )`,
  "INSERT INTO limit_rules (rules, version) VALUES ('[]', 1)",
  // `granted` is what the last lease got: a statement cannot tell it otherwise from what was there before.
  `CREATE TABLE limit_windows (
    subject text NOT NULL,
    endpoint_group text NOT NULL,
    window_seconds integer NOT NULL CHECK (window_seconds IN (60, 3600, 86400)),
    window_start bigint NOT NULL CHECK (window_start % window_seconds = 0),
    most bigint NOT NULL CHECK (most > 0),
    needed bigint NOT NULL,
    extra bigint NOT NULL,
    taken bigint NOT NULL CHECK (taken >= 0),
    granted bigint NOT NULL,
    PRIMARY KEY (subject, endpoint_group, window_seconds, window_start)
  )`,
  'CREATE INDEX limit_windows_ended ON limit_windows ((window_start + window_seconds))',
  `CREATE TABLE refusals (
    subject text NOT NULL,
    minute bigint NOT NULL,
    refusals bigint NOT NULL,
    PRIMARY KEY (subject, minute)
  )`,
  'CREATE INDEX refusals_minute ON refusals (minute)',
  `CREATE TABLE blocks (
    subject text PRIMARY KEY,
    reason text NOT NULL,
    blocked_at timestamptz(3) NOT NULL,
    until timestamptz(3) NOT NULL,
    automatic boolean NOT NULL,
    repetitions integer NOT NULL,
    blocked_by text NOT NULL
  )`,
  'CREATE INDEX blocks_in_order ON blocks (blocked_at DESC, subject)',
]);
