import { defineMigration } from '@berth/database';

/** API keys, and the answers of requests with an Idempotency-Key. */
export const apiKeys = defineMigration('auth-0001-api-keys', [
  `CREATE TABLE api_keys (
      id uuid NOT NULL,
      prefix text NOT NULL,
      name text NOT NULL,
      description text NOT NULL,
      permission text NOT NULL,
      origin text NOT NULL,
      secret_hash bytea NOT NULL,
      previous_hash bytea,
      previous_expires_at timestamptz(3),
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3),
      ended_at timestamptz(3),
      ended text,
      last_used_at timestamptz(3),
      PRIMARY KEY (id),
      CONSTRAINT api_keys_prefix UNIQUE (prefix),
      CONSTRAINT api_keys_secret UNIQUE (secret_hash),
      CONSTRAINT api_keys_previous_secret UNIQUE (previous_hash),
      CONSTRAINT api_keys_permission CHECK (permission in ('viewer', 'operator', 'admin')),
      CONSTRAINT api_keys_origin CHECK (origin in ('created', 'admin-file', 'settings')),
      CONSTRAINT api_keys_previous CHECK ((previous_hash is null) = (previous_expires_at is null)),
      CONSTRAINT api_keys_ended CHECK ((ended is null) = (ended_at is null))
    )`,
  'CREATE INDEX api_keys_in_order ON api_keys (created_at, id)',
  `CREATE TABLE given_answers (
      scope text NOT NULL,
      key text NOT NULL,
      fingerprint bytea NOT NULL,
      claimed_at timestamptz(3) NOT NULL,
      answer jsonb,
      PRIMARY KEY (scope, key)
    )`,
  'CREATE INDEX given_answers_claimed ON given_answers (claimed_at)',
]);
