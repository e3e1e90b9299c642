import { defineMigration } from '@berth/database';

/** What changes of routers and policies answered to an Idempotency-Key. An answer holds no API key. */
export const answeredKeys = defineMigration('driver-0011', [
  `CREATE TABLE answered_keys (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, key)
  )`,
  'CREATE INDEX answered_keys_created ON answered_keys (created_at)',
]);
