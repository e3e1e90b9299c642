import { defineMigration } from '@berth/database';

/**
 * Plans: what a command would do, with the values that it would hand out. Those are allocations of kind `planned` and claims with the plan's
 * id, under the same constraints as everybody's. `making`: what the routers would be sent is not known yet.
 */
export const plans = defineMigration('allocator-0008-plans', [
  `CREATE TABLE plans (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ('making', 'open', 'applied', 'expired', 'outdated', 'discarded')),
    kind text NOT NULL,
    request text NOT NULL,
    principal_id text NOT NULL,
    principal_group text NOT NULL,
    routers text[] NOT NULL,
    mode text CHECK (mode IN ('best-effort', 'atomic')),
    commands jsonb NOT NULL,
    changes jsonb NOT NULL,
    versions jsonb NOT NULL,
    vms jsonb NOT NULL,
    refused jsonb NOT NULL,
    warnings jsonb NOT NULL,
    foreseen jsonb NOT NULL,
    hash text NOT NULL,
    operation_id uuid,
    key_scope text,
    key text,
    fingerprint bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
  )`,
  "CREATE INDEX plans_holding ON plans (expires_at) WHERE state IN ('making', 'open')",
  "CREATE INDEX plans_held_by ON plans (principal_id) WHERE state IN ('making', 'open')",
  'CREATE INDEX plans_by_key ON plans (key_scope, key) WHERE key IS NOT NULL',
  'CREATE INDEX plans_newest ON plans (seq DESC)',
  'ALTER TABLE allocations ADD COLUMN plan_id uuid',
  'CREATE INDEX allocations_of_plan ON allocations (plan_id) WHERE plan_id IS NOT NULL',
  'ALTER TABLE allocations DROP CONSTRAINT known_kind, DROP CONSTRAINT held_by_a_vm',
  `ALTER TABLE allocations
    ADD CONSTRAINT known_kind CHECK (kind IN ('vm', 'foreign', 'quarantine', 'reserved', 'planned')),
    ADD CONSTRAINT held_by_a_vm CHECK ((kind IN ('vm', 'quarantine', 'planned')) = (vm_id IS NOT NULL)),
    ADD CONSTRAINT held_by_a_plan CHECK ((kind = 'planned') = (plan_id IS NOT NULL))`,
  'ALTER TABLE claims ADD COLUMN plan_id uuid',
  'CREATE INDEX claims_of_plan ON claims (plan_id) WHERE plan_id IS NOT NULL',
]);
