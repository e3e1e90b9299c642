import { defineMigration } from '@berth/database';

/** Identity providers, who users are there, and sign-ins that wait for a provider's answer. */
export const identities = defineMigration('auth-0007-identities', [
  `CREATE TABLE identity_providers (
      name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,39}$'),
      display_name text NOT NULL,
      preset text NOT NULL CHECK (preset IN ('google', 'github', 'facebook', 'x', 'custom')),
      issuer text,
      endpoints jsonb,
      client_id text NOT NULL,
      sealed_secret bytea,
      master_key_id text,
      scopes text[] NOT NULL,
      new_users boolean NOT NULL,
      email_domains text[] NOT NULL,
      group_claim text,
      claim_groups jsonb NOT NULL,
      enabled boolean NOT NULL,
      version bigint NOT NULL DEFAULT 1,
      created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
      updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
      CONSTRAINT identity_providers_origin CHECK ((issuer IS NULL) <> (endpoints IS NULL)),
      CONSTRAINT identity_providers_secret CHECK ((sealed_secret IS NULL) = (master_key_id IS NULL))
    )`,
  `CREATE TABLE identity_redirect_uris (
      uri text NOT NULL,
      provider text NOT NULL REFERENCES identity_providers (name) ON DELETE CASCADE,
      place integer NOT NULL,
      CONSTRAINT identity_redirect_uris_taken PRIMARY KEY (uri)
    )`,
  'CREATE INDEX identity_redirect_uris_of_provider ON identity_redirect_uris (provider)',
  `CREATE TABLE identities (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      provider text NOT NULL REFERENCES identity_providers (name) ON DELETE CASCADE,
      subject text NOT NULL,
      user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      label text NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
      last_used_at timestamptz(3),
      CONSTRAINT identities_subject UNIQUE (provider, subject)
    )`,
  'CREATE INDEX identities_of_user ON identities (user_id)',
  `CREATE TABLE identity_attempts (
      id bytea PRIMARY KEY,
      provider text NOT NULL REFERENCES identity_providers (name) ON DELETE CASCADE,
      user_id text REFERENCES users (id) ON DELETE CASCADE,
      redirect_uri text NOT NULL,
      sealed_secrets bytea NOT NULL,
      master_key_id text NOT NULL,
      expires_at timestamptz(3) NOT NULL
    )`,
  'CREATE INDEX identity_attempts_expired ON identity_attempts (expires_at)',
]);
