import { defineMigration } from '@berth/database';

/**
 * Pools become things of their own: what people describe (`pools`). The part of a pool that lies in one space is a segment; a port pool
 * has one for each protocol. The segment without a pool holds what callers may ask for by range besides.
 */
export const managedPools = defineMigration('allocator-0002', [
  'ALTER TABLE pools RENAME TO segments',
  'ALTER TABLE pool_ranges RENAME TO segment_ranges',
  'ALTER TABLE segment_ranges RENAME COLUMN pool_id TO segment_id',
  'ALTER TABLE segment_ranges RENAME CONSTRAINT pools_do_not_overlap TO segments_do_not_overlap',
  'ALTER TABLE free_spans RENAME COLUMN pool_id TO segment_id',
  // Numbers count from `base`: 0.0.0.0 for IPv4. In an IPv6 subnet they would count from its prefix, since int8 is too short for an address.
  `ALTER TABLE spaces ADD COLUMN base inet NOT NULL DEFAULT '0.0.0.0'`,
  'ALTER TABLE spaces DROP CONSTRAINT spaces_router_kind_external_ip_key, ADD UNIQUE (router, kind, external_ip, base)',
  `CREATE TABLE pools (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('ip-pools', 'port-pools', 'rule-pools')),
    name text NOT NULL,
    router text NOT NULL REFERENCES routers,
    description text NOT NULL DEFAULT '',
    groups text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'draining', 'disabled')),
    spec jsonb NOT NULL,
    alert_thresholds double precision[] NOT NULL DEFAULT '{}',
    threshold_reached double precision NOT NULL DEFAULT 0,
    from_settings boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (kind, name)
  )`,
  'CREATE INDEX pools_of_router ON pools (router)',
  // Where VMs that name no pool get their values from; group_name '' is for groups that have no row of their own.
  `CREATE TABLE pool_defaults (
    router text NOT NULL,
    kind text NOT NULL,
    group_name text NOT NULL,
    pool_id uuid NOT NULL REFERENCES pools ON DELETE CASCADE,
    PRIMARY KEY (router, kind, group_name)
  )`,
  'CREATE INDEX pool_defaults_of_pool ON pool_defaults (pool_id)',
  // The settings' pool was made once: one that was deleted since does not come back.
  'CREATE TABLE pool_seeds (router text NOT NULL, kind text NOT NULL, PRIMARY KEY (router, kind))',
  `INSERT INTO pools (kind, name, router, spec, from_settings)
   SELECT DISTINCT CASE s.kind WHEN 'address' THEN 'ip-pools' WHEN 'rule' THEN 'rule-pools' ELSE 'port-pools' END, s.router, s.router, '{}'::jsonb, true
   FROM spaces s`,
  `INSERT INTO pool_defaults (router, kind, group_name, pool_id) SELECT router, kind, '', id FROM pools`,
  'INSERT INTO pool_seeds (router, kind) SELECT router, kind FROM pools',
  'ALTER TABLE segments ADD COLUMN pool_id uuid REFERENCES pools ON DELETE CASCADE',
  `UPDATE segments g SET pool_id = p.id FROM spaces s, pools p
   WHERE s.id = g.space_id AND p.router = s.router AND g.name = 'default'
     AND p.kind = CASE s.kind WHEN 'address' THEN 'ip-pools' WHEN 'rule' THEN 'rule-pools' ELSE 'port-pools' END`,
  'ALTER TABLE segments DROP COLUMN name, ADD UNIQUE NULLS NOT DISTINCT (space_id, pool_id)',
  'CREATE INDEX segments_of_pool ON segments (pool_id)',
  // Values kept by hand. What they keep are allocations of kind `reserved`.
  `CREATE TABLE reservations (
    id uuid PRIMARY KEY,
    pool_id uuid NOT NULL REFERENCES pools,
    note text NOT NULL,
    expires_at timestamptz,
    principal_id text NOT NULL,
    principal_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`,
  'CREATE INDEX reservations_of_pool ON reservations (pool_id)',
  'CREATE INDEX reservations_ending ON reservations (expires_at) WHERE expires_at IS NOT NULL',
  'ALTER TABLE allocations ADD COLUMN reservation_id uuid',
  'CREATE INDEX allocations_of_reservation ON allocations (reservation_id) WHERE reservation_id IS NOT NULL',
  'ALTER TABLE allocations DROP CONSTRAINT allocations_kind_check, DROP CONSTRAINT allocations_check, DROP CONSTRAINT allocations_check1',
  `ALTER TABLE allocations
    ADD CONSTRAINT known_kind CHECK (kind IN ('vm', 'foreign', 'quarantine', 'reserved')),
    ADD CONSTRAINT held_by_a_vm CHECK ((kind IN ('vm', 'quarantine')) = (vm_id IS NOT NULL)),
    ADD CONSTRAINT held_by_a_reservation CHECK ((kind = 'reserved') = (reservation_id IS NOT NULL)),
    ADD CONSTRAINT rests_for_somebody CHECK ((kind = 'quarantine') = (until IS NOT NULL AND former_group IS NOT NULL AND former_name IS NOT NULL))`,
  // Every change of pools and reservations, in the order in which it was committed: `revision` is counted under the lock of its only row.
  `CREATE TABLE pool_revision (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    generation uuid NOT NULL DEFAULT gen_random_uuid(),
    revision bigint NOT NULL DEFAULT 0
  )`,
  'INSERT INTO pool_revision DEFAULT VALUES',
  `CREATE TABLE pool_changes (
    revision bigint PRIMARY KEY,
    kind text NOT NULL,
    router text NOT NULL,
    change bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`,
  'CREATE INDEX pool_changes_at ON pool_changes (at)',
  // What was used of each pool now and then, for the forecast.
  `CREATE TABLE pool_samples (
    pool_id uuid NOT NULL REFERENCES pools ON DELETE CASCADE,
    at timestamptz NOT NULL,
    used bigint NOT NULL,
    PRIMARY KEY (pool_id, at)
  )`,
  // What writes that have no operation answered to an Idempotency-Key.
  `CREATE TABLE answered_keys (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, key)
  )`,
  'CREATE INDEX answered_keys_created ON answered_keys (created_at)',
  // The pools that a VM's values are of; null: of none.
  `ALTER TABLE vms
    ADD COLUMN ip_pool uuid REFERENCES pools ON DELETE SET NULL,
    ADD COLUMN port_pool uuid REFERENCES pools ON DELETE SET NULL,
    ADD COLUMN rule_pool uuid REFERENCES pools ON DELETE SET NULL`,
  `UPDATE vms v SET ip_pool = held.ip, port_pool = held.port, rule_pool = held.rule FROM (
     SELECT a.vm_id, (array_agg(p.id) FILTER (WHERE p.kind = 'ip-pools'))[1] AS ip,
       (array_agg(p.id) FILTER (WHERE p.kind = 'port-pools'))[1] AS port, (array_agg(p.id) FILTER (WHERE p.kind = 'rule-pools'))[1] AS rule
     FROM allocations a JOIN segment_ranges r ON r.space_id = a.space_id AND r.span && a.held
     JOIN segments g ON g.id = r.segment_id JOIN pools p ON p.id = g.pool_id
     WHERE a.kind = 'vm' GROUP BY a.vm_id
   ) held WHERE v.id = held.vm_id`,
]);
