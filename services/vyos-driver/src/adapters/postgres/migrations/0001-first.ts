import { defineMigration } from '@berth/database';

/**
 * `routers` carries the lease and how each router stands; `resources` what is wanted and what is applied; `verdicts` outlive everything;
 * `owned_paths` says which path on a router is whose; `batches` and `batch_changes` are written ahead of each request and stay as history;
 * `foreign_holdings` is the newest inventory.
 */
export const first = defineMigration('driver-0001', [
  `CREATE TABLE routers (
    name text PRIMARY KEY,
    state text NOT NULL DEFAULT 'unseen'
      CHECK (state IN ('unseen', 'ok', 'unreachable', 'breaker_open', 'unknown', 'blocked')),
    reason text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now(),
    retry_at timestamptz,
    status_epoch bigint NOT NULL DEFAULT 0,
    status_sequence bigint NOT NULL DEFAULT 0,
    version text NOT NULL DEFAULT '',
    profile jsonb,
    inventory bigint NOT NULL DEFAULT 0,
    inventory_hash text NOT NULL DEFAULT '',
    inventory_read_at timestamptz,
    inventory_cost_ms integer NOT NULL DEFAULT 0,
    cost_model jsonb,
    applied_count bigint NOT NULL DEFAULT 0,
    saved_count bigint NOT NULL DEFAULT 0,
    saved_at timestamptz,
    lease_holder text,
    lease_epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz
  )`,
  'CREATE SEQUENCE change_queue',
  `CREATE TABLE resources (
    router text NOT NULL,
    resource_id text NOT NULL,
    owner_group text NOT NULL,
    wanted_incarnation bigint NOT NULL,
    wanted_number bigint NOT NULL,
    wanted jsonb,
    causes jsonb NOT NULL,
    operation_ids text[] NOT NULL,
    queued bigint NOT NULL DEFAULT nextval('change_queue'),
    received_at timestamptz NOT NULL DEFAULT now(),
    settled_incarnation bigint NOT NULL DEFAULT 0,
    settled_number bigint NOT NULL DEFAULT 0,
    applied_incarnation bigint NOT NULL DEFAULT 0,
    applied_number bigint NOT NULL DEFAULT 0,
    applied jsonb,
    stood boolean NOT NULL DEFAULT false,
    waiting boolean NOT NULL GENERATED ALWAYS AS
      ((wanted_incarnation, wanted_number) > (settled_incarnation, settled_number)) STORED,
    PRIMARY KEY (router, resource_id)
  )`,
  'CREATE INDEX resources_waiting ON resources (router, owner_group, queued) WHERE waiting',
  `CREATE TABLE verdicts (
    router text NOT NULL,
    resource_id text NOT NULL,
    incarnation bigint NOT NULL,
    number bigint NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('applied', 'rejected')),
    code text NOT NULL DEFAULT '',
    message text NOT NULL DEFAULT '',
    stood boolean NOT NULL DEFAULT false,
    batch_id uuid,
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (router, resource_id, incarnation, number)
  )`,
  `CREATE TABLE owned_paths (
    router text NOT NULL,
    path text NOT NULL,
    resource_id text NOT NULL,
    released_at bigint,
    released_content jsonb,
    PRIMARY KEY (router, path)
  )`,
  'CREATE INDEX owned_paths_of_resource ON owned_paths (router, resource_id)',
  `CREATE TABLE batches (
    id uuid PRIMARY KEY,
    router text NOT NULL,
    epoch bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('sending', 'applied', 'refused', 'not_applied', 'settled_by_read')),
    operations jsonb NOT NULL,
    estimate_ms integer NOT NULL,
    deadline timestamptz NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    duration_ms integer,
    outcome text NOT NULL DEFAULT ''
  )`,
  `CREATE UNIQUE INDEX batches_open ON batches (router) WHERE state = 'sending'`,
  'CREATE INDEX batches_sent ON batches (router, sent_at)',
  `CREATE TABLE batch_changes (
    batch_id uuid NOT NULL REFERENCES batches ON DELETE CASCADE,
    resource_id text NOT NULL,
    router text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('change', 'repair', 'way_back')),
    incarnation bigint NOT NULL,
    number bigint NOT NULL,
    fragment jsonb NOT NULL,
    causes jsonb NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    claims jsonb NOT NULL,
    PRIMARY KEY (batch_id, resource_id)
  )`,
  'CREATE INDEX batch_changes_of_resource ON batch_changes (router, resource_id)',
  `CREATE TABLE foreign_holdings (
    router text NOT NULL,
    inventory bigint NOT NULL,
    position integer NOT NULL,
    holding jsonb NOT NULL,
    PRIMARY KEY (router, inventory, position)
  )`,
]);
