import { defineMigration } from '@berth/database';

/** Registrations that wait for a proof of their address, tokens that were mailed, asked-for mails, and former passwords. */
export const accounts = defineMigration('auth-0004-accounts', [
  // Several of one address may wait: whoever can read its mail decides which of them becomes a user.
  `CREATE TABLE pending_registrations (
      id uuid PRIMARY KEY,
      name text NOT NULL,
      email text NOT NULL,
      password_hash text NOT NULL,
      token_hash bytea,
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      CONSTRAINT pending_registrations_token UNIQUE (token_hash)
    )`,
  'CREATE INDEX pending_registrations_email ON pending_registrations (lower(email), created_at)',
  'CREATE INDEX pending_registrations_expiry ON pending_registrations (expires_at)',
  `CREATE TABLE mail_tokens (
      token_hash bytea PRIMARY KEY,
      purpose text NOT NULL CHECK (purpose IN ('reset-password', 'new-email')),
      user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      email text NOT NULL,
      expires_at timestamptz(3) NOT NULL
    )`,
  'CREATE INDEX mail_tokens_user ON mail_tokens (user_id, purpose)',
  'CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at)',
  `CREATE TABLE mail_requests (
      id uuid PRIMARY KEY,
      seq bigint GENERATED ALWAYS AS IDENTITY,
      kind text NOT NULL CHECK (kind IN ('register', 'resend', 'forgot', 'new-email')),
      email text NOT NULL,
      registration_id uuid,
      user_id text,
      asked_at timestamptz(3) NOT NULL
    )`,
  'CREATE INDEX mail_requests_in_order ON mail_requests (seq)',
  `CREATE TABLE mail_request_counts (
      kind text NOT NULL,
      email text NOT NULL,
      began_at timestamptz(3) NOT NULL,
      count integer NOT NULL,
      PRIMARY KEY (kind, email)
    )`,
  'CREATE INDEX mail_request_counts_began ON mail_request_counts (began_at)',
  `CREATE TABLE former_passwords (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      password_hash text NOT NULL
    )`,
  'CREATE INDEX former_passwords_user ON former_passwords (user_id, seq DESC)',
]);
