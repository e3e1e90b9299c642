import { defineMigration } from '@berth/database';

/**
 * Checks that were asked for are counted in `routers`. `drift_reports` is the newest comparison of each router; `drift_items` are paths of ours that
 * others changed, at most one open at a path; `drift_policies` say what is done about them.
 */
export const drift = defineMigration('driver-0004', [
  `ALTER TABLE routers
    ADD COLUMN drift_asked bigint NOT NULL DEFAULT 0,
    ADD COLUMN drift_repair_asked bigint NOT NULL DEFAULT 0,
    ADD COLUMN drift_answered bigint NOT NULL DEFAULT 0,
    ADD COLUMN drift_policies_set_at timestamptz`,
  `CREATE TABLE drift_policies (
    router text NOT NULL,
    path text NOT NULL,
    policy text NOT NULL CHECK (policy IN ('report', 'repair', 'accept')),
    PRIMARY KEY (router, path)
  )`,
  `CREATE TABLE drift_reports (
    router text PRIMARY KEY,
    number bigint NOT NULL,
    looked_at timestamptz NOT NULL,
    cost_ms integer NOT NULL,
    added integer NOT NULL,
    deleted integer NOT NULL,
    updated integer NOT NULL,
    no_change integer NOT NULL,
    foreign_changes jsonb
  )`,
  `CREATE TABLE drift_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    router text NOT NULL,
    path text NOT NULL,
    resource_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('added', 'deleted', 'updated')),
    expected jsonb,
    found jsonb,
    changed_after timestamptz,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'repaired', 'accepted', 'gone')),
    ended_at timestamptz,
    ended_by text NOT NULL DEFAULT '',
    policy text NOT NULL,
    repairing boolean NOT NULL,
    contested boolean NOT NULL,
    note text NOT NULL DEFAULT '',
    offer text NOT NULL DEFAULT ''
  )`,
  `CREATE UNIQUE INDEX drift_items_open ON drift_items (router, path) WHERE state = 'open'`,
  `CREATE INDEX drift_items_offered ON drift_items (router) WHERE state = 'open' AND policy = 'accept'`,
  'CREATE INDEX drift_items_listed ON drift_items (router, first_seen DESC, id DESC)',
]);
