import { defineMigration } from '@berth/database';

/** Sessions with their refresh tokens, the keys that sign access tokens, and how often signing in failed. */
export const sessions = defineMigration('auth-0003-sessions', [
  // Not bound to the user by a key: what a removed user's tokens may do has to be known until the last one has ended.
  `CREATE TABLE sessions (
      id uuid PRIMARY KEY,
      user_id text NOT NULL,
      session_version integer NOT NULL,
      device text NOT NULL,
      client_address text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      last_seen_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3),
      access_tokens_until timestamptz(3) NOT NULL,
      ended_at timestamptz(3),
      end_reason text,
      CHECK ((ended_at IS NULL) = (end_reason IS NULL))
    )`,
  'CREATE INDEX sessions_of_user ON sessions (user_id, created_at DESC)',
  'CREATE INDEX sessions_access_tokens ON sessions (access_tokens_until)',
  `CREATE TABLE refresh_tokens (
      hash bytea PRIMARY KEY,
      session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
      replaces bytea UNIQUE,
      expires_at timestamptz(3),
      used_at timestamptz(3),
      used_by text,
      CHECK ((used_at IS NULL) = (used_by IS NULL))
    )`,
  // Whatever a program does wrong: a session has one token that works.
  'CREATE UNIQUE INDEX refresh_tokens_unused ON refresh_tokens (session_id) WHERE used_at IS NULL',
  'CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id)',
  `CREATE TABLE signing_keys (
      id text PRIMARY KEY,
      public_jwk jsonb NOT NULL,
      sealed_key bytea,
      master_key_id text,
      created_at timestamptz(3) NOT NULL,
      signs_from timestamptz(3) NOT NULL,
      verifies_until timestamptz(3),
      CHECK ((sealed_key IS NULL) = (master_key_id IS NULL))
    )`,
  `CREATE TABLE sign_in_failures (
      key bytea PRIMARY KEY,
      failures integer NOT NULL,
      window_ends_at timestamptz(3) NOT NULL
    )`,
  'CREATE INDEX sign_in_failures_over ON sign_in_failures (window_ends_at)',
]);
