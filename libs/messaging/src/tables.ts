import { defineMigration, type NamedMigration } from '@berth/database';

/** The tables that messaging keeps in each service's own schema: outbox, inbox, dead letters, the streams' generations. */
export const messagingTables: NamedMigration = defineMigration('messaging-0001', [
  `CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    stream text NOT NULL,
    subject text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
  )`,
  'CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL',
  'CREATE INDEX outbox_created ON outbox (created_at)',
  `CREATE TABLE inbox (
    consumer text NOT NULL,
    message_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id)
  )`,
  'CREATE INDEX inbox_received ON inbox (received_at)',
  `CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    subject text NOT NULL,
    message_id text NOT NULL,
    payload bytea NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, message_id)
  )`,
  `CREATE TABLE stream_generations (
    stream text PRIMARY KEY,
    created text NOT NULL
  )`,
]);
