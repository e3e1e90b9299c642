import { defineMigration } from '@berth/database';

/** Bans with their history, invitations, names of groups that are gone, and what lists of users are looked up by. */
export const administration = defineMigration('auth-0005-administration', [
  `CREATE TABLE former_groups (
    name text PRIMARY KEY,
    removed_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE bans (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    banned_at timestamptz(3) NOT NULL,
    banned_by_id text NOT NULL,
    banned_by text NOT NULL,
    until timestamptz(3),
    reason text NOT NULL,
    ended_at timestamptz(3),
    ended_by_id text NOT NULL DEFAULT '',
    ended_by text NOT NULL DEFAULT '',
    ending text CHECK (ending IN ('lifted', 'replaced', 'ran_out')),
    lift_reason text NOT NULL DEFAULT '',
    CHECK ((ended_at IS NULL) = (ending IS NULL))
  )`,
  'CREATE UNIQUE INDEX bans_standing ON bans (user_id) WHERE ended_at IS NULL',
  'CREATE INDEX bans_of_user ON bans (user_id, seq)',
  `CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    token_hash bytea NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    groups text[] NOT NULL,
    user_id text REFERENCES users (id) ON DELETE CASCADE,
    invited_by_id text NOT NULL,
    invited_by text NOT NULL,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    ended_at timestamptz(3),
    ending text CHECK (ending IN ('accepted', 'revoked', 'replaced')),
    CHECK ((ended_at IS NULL) = (ending IS NULL))
  )`,
  'CREATE UNIQUE INDEX invitations_token ON invitations (token_hash)',
  'CREATE UNIQUE INDEX invitations_open ON invitations (lower(email)) WHERE ended_at IS NULL',
  'CREATE INDEX invitations_in_order ON invitations (seq)',
  'CREATE INDEX invitations_of_user ON invitations (user_id) WHERE user_id IS NOT NULL',
  'CREATE INDEX users_banned ON users (banned_until) WHERE banned_until IS NOT NULL',
  // Prefixes are found, and pages are cut, by the bytes of the names, which is the one order that an index has for both.
  'CREATE INDEX users_by_name ON users ((lower(name) COLLATE "C"), id)',
  'CREATE INDEX users_by_email ON users ((lower(email) COLLATE "C"))',
]);
