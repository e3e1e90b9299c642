import { defineMigration } from '@berth/database';

/**
 * Bulks: many provisions or removals that were asked for at once. Their items come in first (`staged`). Counters are kept by the
 * transactions that take items on and that end their operations, so that nobody has to count 10,000 rows.
 */
export const bulk = defineMigration('allocator-0006', [
  `CREATE TABLE bulks (
    id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('staged', 'running', 'succeeded', 'failed')),
    mode text CHECK (mode IN ('best-effort', 'atomic')),
    items integer NOT NULL DEFAULT 0,
    principal_id text NOT NULL,
    principal_name text NOT NULL,
    principal_group text NOT NULL,
    permissions jsonb NOT NULL,
    request_id text NOT NULL,
    traceparent text NOT NULL,
    may_wait boolean NOT NULL,
    next_index integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    succeeded integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    undo_next integer,
    undoing integer NOT NULL DEFAULT 0,
    error jsonb,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((state = 'staged') = (mode IS NULL)),
    CHECK (succeeded + failed <= items AND undoing >= 0)
  )`,
  "CREATE INDEX bulks_running ON bulks (leased_until) WHERE state = 'running'",
  "CREATE INDEX bulks_not_running ON bulks (updated_at) WHERE state <> 'running'",
  `CREATE TABLE bulk_items (
    bulk_id uuid NOT NULL REFERENCES bulks ON DELETE CASCADE,
    index integer NOT NULL CHECK (index >= 0),
    kind text NOT NULL CHECK (kind IN ('provision', 'decommission', 'refused')),
    machine_id text NOT NULL,
    payload bytea NOT NULL,
    error jsonb,
    PRIMARY KEY (bulk_id, index)
  )`,
  'ALTER TABLE operations ADD COLUMN bulk_id uuid, ADD COLUMN bulk_index integer',
]);
