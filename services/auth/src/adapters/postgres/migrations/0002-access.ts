import { defineMigration, type NamedMigration } from '@berth/database';

/** How users are numbered; fixed by the first migration, as `docs/decisions/0050-user-ids.md` says. */
export type UserIdKind = 'uuid' | 'integer';

const idOf: Record<UserIdKind, { readonly fallback: string; readonly shape: string }> = {
  uuid: { fallback: 'gen_random_uuid()::text', shape: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
  integer: { fallback: "nextval('user_ids')::text", shape: '^[1-9][0-9]*$' },
};

/** Users, groups, and the facts that everybody has to know who lets callers in. */
export const access = (kind: UserIdKind): NamedMigration =>
  defineMigration('auth-0002-access', [
    `CREATE TABLE installation (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      user_id_kind text NOT NULL CHECK (user_id_kind IN ('uuid', 'integer')),
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`,
    `INSERT INTO installation (user_id_kind) VALUES ('${kind}')`,
    'CREATE SEQUENCE user_ids',
    `CREATE TABLE groups (
      name text PRIMARY KEY,
      description text NOT NULL DEFAULT '',
      permissions text[] NOT NULL,
      everywhere boolean NOT NULL DEFAULT false,
      built_in boolean NOT NULL DEFAULT false,
      access_token_seconds bigint CHECK (access_token_seconds >= 0),
      refresh_token_seconds bigint CHECK (refresh_token_seconds >= 0),
      limits jsonb NOT NULL DEFAULT '[]',
      version bigint NOT NULL DEFAULT 1,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`,
    `INSERT INTO groups (name, description, permissions, everywhere, built_in) VALUES
      ('admin', 'Everything.', '{*}', true, true),
      ('operator', 'Reads everything, and changes VMs and forwards of all groups.', '{vms:read,pools:read,operations:read,routers:read,vms:write}', true, true),
      ('viewer', 'Reads everything but users, keys and settings.', '{vms:read,pools:read,operations:read,routers:read}', true, true)`,
    `CREATE TABLE users (
      id text PRIMARY KEY DEFAULT ${idOf[kind].fallback} CHECK (id ~ '${idOf[kind].shape}'),
      name text NOT NULL,
      email text,
      email_verified_at timestamptz(3),
      password_hash text,
      profile jsonb NOT NULL DEFAULT '{}',
      public_fields text[] NOT NULL DEFAULT '{}',
      home_group text REFERENCES groups (name) ON DELETE SET NULL,
      access_token_seconds bigint CHECK (access_token_seconds >= 0),
      refresh_token_seconds bigint CHECK (refresh_token_seconds >= 0),
      limits jsonb NOT NULL DEFAULT '[]',
      session_version integer NOT NULL DEFAULT 1,
      permissions_version integer NOT NULL DEFAULT 1,
      banned_until timestamptz(3),
      ban_reason text,
      version bigint NOT NULL DEFAULT 1,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      last_sign_in_at timestamptz(3),
      CHECK ((banned_until IS NULL) = (ban_reason IS NULL))
    )`,
    'CREATE UNIQUE INDEX users_name ON users (lower(name))',
    'CREATE UNIQUE INDEX users_email ON users (lower(email))',
    'CREATE INDEX users_in_order ON users (created_at, id)',
    `CREATE TABLE memberships (
      user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      group_name text NOT NULL REFERENCES groups (name) ON DELETE CASCADE,
      added_at timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (user_id, group_name)
    )`,
    'CREATE INDEX memberships_of_group ON memberships (group_name, user_id)',
    `CREATE TABLE access_facts (
      kind text NOT NULL,
      subject text NOT NULL,
      position bigint NOT NULL,
      body bytea NOT NULL,
      until timestamptz(3),
      PRIMARY KEY (kind, subject)
    )`,
    'CREATE UNIQUE INDEX access_facts_position ON access_facts (position)',
    'CREATE INDEX access_facts_until ON access_facts (until) WHERE until IS NOT NULL',
    'CREATE SEQUENCE access_positions',
    `CREATE TABLE mails (
      id uuid PRIMARY KEY,
      seq bigint GENERATED ALWAYS AS IDENTITY,
      template text NOT NULL,
      recipient text NOT NULL,
      user_id text,
      sealed_values bytea,
      master_key_id text,
      state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed')),
      attempts integer NOT NULL DEFAULT 0,
      next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
      last_error text,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      ended_at timestamptz(3)
    )`,
    "CREATE INDEX mails_waiting ON mails (next_attempt_at) WHERE state = 'waiting'",
    `CREATE TABLE audit_entries (
      id uuid PRIMARY KEY,
      arrival bigint GENERATED ALWAYS AS IDENTITY,
      at timestamptz(3) NOT NULL,
      action text NOT NULL,
      result text NOT NULL,
      actor_id text NOT NULL,
      actor_kind text NOT NULL,
      actor_name text NOT NULL,
      resource_type text NOT NULL,
      resource_id text NOT NULL,
      resource_name text NOT NULL,
      client_address text NOT NULL,
      user_agent text NOT NULL,
      request_id text NOT NULL,
      trace_id text NOT NULL,
      before jsonb,
      after jsonb,
      details jsonb NOT NULL DEFAULT '{}'
    )`,
    'CREATE INDEX audit_entries_arrival ON audit_entries (arrival)',
  ]);
