import { defineMigration } from '@berth/database';

/**
 * Routers that people add: how they are reached, with the API key encrypted, and where their VMs go. `revision` counts the changes of the
 * settings; a session belongs to one number of `connection`. A removed router stays as a row without its key, so that its epochs and
 * revisions go on should its name come again. `settings` holds the router's policies. `borrowed_by` may take the lease before anybody else.
 */
export const routers = defineMigration('driver-0003', [
  `ALTER TABLE routers
    ADD COLUMN from_settings boolean NOT NULL DEFAULT false,
    ADD COLUMN enabled boolean NOT NULL DEFAULT true,
    ADD COLUMN host text NOT NULL DEFAULT '',
    ADD COLUMN port integer NOT NULL DEFAULT 443,
    ADD COLUMN key_id text NOT NULL DEFAULT '',
    ADD COLUMN sealed_key bytea,
    ADD COLUMN sealed_with text,
    ADD COLUMN key_fingerprint text NOT NULL DEFAULT '',
    ADD COLUMN ca_pem text NOT NULL DEFAULT '',
    ADD COLUMN fingerprint text NOT NULL DEFAULT '',
    ADD COLUMN wishes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN settings jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN revision bigint NOT NULL DEFAULT 1,
    ADD COLUMN connection bigint NOT NULL DEFAULT 1,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN borrowed_by text,
    ADD COLUMN borrowed_until timestamptz,
    ADD CONSTRAINT sealed_with_a_key CHECK ((sealed_key IS NULL) = (sealed_with IS NULL)),
    ADD CONSTRAINT removed_without_key CHECK (removed_at IS NULL OR sealed_key IS NULL)`,
  'ALTER TABLE routers DROP CONSTRAINT routers_state_check',
  `ALTER TABLE routers ADD CONSTRAINT routers_state_check CHECK (state IN
    ('unseen', 'ok', 'unreachable', 'breaker_open', 'unknown', 'blocked', 'disabled', 'removed'))`,
  // The driver's replicas that live, so that each knows how many share the routers.
  'CREATE TABLE replicas (id text PRIMARY KEY, alive_until timestamptz NOT NULL)',
]);
