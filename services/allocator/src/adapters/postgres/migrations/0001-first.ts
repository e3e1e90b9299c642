import { defineMigration } from '@berth/database';

/**
 * Numbers (addresses as numbers, ports, rule numbers) live in spaces: one per router and kind, ports also per external address. In a
 * space every value has one holder: `one_holder` is the last word on that. Free spans say where to look for the next free value without
 * reading who holds what; they are derived, and can be made anew from pools and allocations at any time.
 */
export const first = defineMigration('allocator-0001', [
  'CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public',
  'CREATE TABLE installation (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), incarnation bigint NOT NULL)',
  'INSERT INTO installation (incarnation) VALUES (1)',
  `CREATE TABLE routers (
    name text PRIMARY KEY,
    epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    state text NOT NULL,
    retry_after_seconds integer NOT NULL,
    reason text NOT NULL,
    since timestamptz,
    site jsonb,
    gateway text NOT NULL DEFAULT '',
    version text NOT NULL,
    inventory bigint NOT NULL,
    inventory_loaded bigint NOT NULL DEFAULT 0
  )`,
  `CREATE TABLE spaces (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    router text NOT NULL REFERENCES routers,
    kind text NOT NULL CHECK (kind IN ('address', 'tcp', 'udp', 'rule')),
    external_ip text NOT NULL DEFAULT '',
    UNIQUE (router, kind, external_ip)
  )`,
  `CREATE TABLE pools (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    space_id integer NOT NULL REFERENCES spaces,
    name text NOT NULL,
    UNIQUE (space_id, name)
  )`,
  `CREATE TABLE pool_ranges (
    space_id integer NOT NULL,
    pool_id integer NOT NULL REFERENCES pools,
    span int8range NOT NULL,
    CONSTRAINT pools_do_not_overlap EXCLUDE USING gist (space_id WITH =, span WITH &&)
  )`,
  `CREATE TABLE free_spans (
    pool_id integer NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    length bigint GENERATED ALWAYS AS (last - first + 1) STORED,
    PRIMARY KEY (pool_id, first),
    CHECK (last >= first)
  )`,
  'CREATE INDEX free_spans_by_length ON free_spans (pool_id, length, first)',
  // A space is dropped only when nothing is held in it; a foreign key here would cost a look-up per value. `rests_until` is the end of the quarantine that a
  // value of a VM came back from: until then nobody else may get it, also when its holder never came to use it again.
  `CREATE TABLE allocations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    space_id integer NOT NULL,
    held int8range NOT NULL CHECK (NOT isempty(held)),
    kind text NOT NULL CHECK (kind IN ('vm', 'foreign', 'quarantine')),
    vm_id uuid,
    slot text NOT NULL DEFAULT '',
    until timestamptz,
    rests_until timestamptz,
    former_group text,
    former_name text,
    CHECK ((kind = 'foreign') = (vm_id IS NULL)),
    CHECK ((kind = 'quarantine') = (until IS NOT NULL AND former_group IS NOT NULL AND former_name IS NOT NULL)),
    CONSTRAINT one_holder EXCLUDE USING gist (space_id WITH =, held WITH &&)
  )`,
  'CREATE INDEX allocations_of_vm ON allocations (vm_id) WHERE vm_id IS NOT NULL',
  "CREATE INDEX allocations_in_quarantine ON allocations (until) WHERE kind = 'quarantine'",
  "CREATE INDEX allocations_kept ON allocations (former_group, former_name) WHERE kind = 'quarantine'",
  // Held by others where vm_id is null.
  `CREATE TABLE claims (
    kind text NOT NULL,
    scope text NOT NULL,
    value text NOT NULL,
    vm_id uuid,
    PRIMARY KEY (kind, scope, value)
  )`,
  'CREATE INDEX claims_of_vm ON claims (vm_id) WHERE vm_id IS NOT NULL',
  // The newest inventory as it was told. What of it is not ours stands in allocations and claims.
  `CREATE TABLE foreign_holdings (
    router text NOT NULL REFERENCES routers,
    kind text NOT NULL,
    held int8range,
    value text NOT NULL,
    external_ip text NOT NULL,
    path text NOT NULL,
    conflict boolean NOT NULL DEFAULT false
  )`,
  'CREATE INDEX foreign_holdings_of_router ON foreign_holdings (router, kind)',
  `CREATE TABLE vms (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    mac_address text NOT NULL,
    hostname text NOT NULL,
    router text NOT NULL,
    site jsonb NOT NULL,
    internal_ip text NOT NULL,
    rules jsonb NOT NULL,
    port_range jsonb,
    metadata jsonb,
    owner_group text NOT NULL,
    state text NOT NULL CHECK (state IN ('provisioning', 'active', 'removing', 'failed', 'removed')),
    forwards jsonb NOT NULL,
    wanted jsonb,
    unsettled boolean NOT NULL,
    revision bigint NOT NULL,
    incarnation bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    resend_at timestamptz,
    sends integer NOT NULL DEFAULT 0
  )`,
  "CREATE INDEX vms_alive ON vms (lower(name), id) WHERE state NOT IN ('failed', 'removed')",
  'CREATE INDEX vms_unsettled ON vms (resend_at) WHERE unsettled',
  `CREATE TABLE operations (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    router text NOT NULL,
    vm_id uuid NOT NULL,
    vm_name text NOT NULL,
    owner_group text NOT NULL,
    principal_id text NOT NULL,
    principal_name text NOT NULL,
    request_id text NOT NULL,
    traceparent text NOT NULL,
    port_action text,
    port_names jsonb NOT NULL,
    address_range jsonb,
    step text NOT NULL,
    revision bigint NOT NULL,
    wanted jsonb,
    reserved jsonb NOT NULL,
    alone boolean NOT NULL,
    result jsonb,
    error jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  )`,
  "CREATE INDEX operations_open ON operations (vm_id, seq) WHERE state IN ('pending', 'running')",
  `CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    operation_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
  )`,
  'CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)',
]);
