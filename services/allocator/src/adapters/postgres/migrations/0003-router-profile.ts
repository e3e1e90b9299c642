import { defineMigration } from '@berth/database';

/** What the driver tells of a router's subnets and interfaces, and what pools come to because of it. */
export const routerProfile = defineMigration('allocator-0003', [
  `ALTER TABLE routers ADD COLUMN subnets jsonb NOT NULL DEFAULT '[]', ADD COLUMN interfaces jsonb NOT NULL DEFAULT '[]'`,
  // The part of its VMs' place in the network that a pool decides. Derived from `spec` and the router, like segments.
  `ALTER TABLE pools ADD COLUMN site jsonb NOT NULL DEFAULT '{}'`,
  // A pool goes with its segments, and these with all that is derived from them.
  'ALTER TABLE segment_ranges DROP CONSTRAINT pool_ranges_pool_id_fkey',
  'ALTER TABLE segment_ranges ADD FOREIGN KEY (segment_id) REFERENCES segments ON DELETE CASCADE',
  'CREATE INDEX segment_ranges_of_segment ON segment_ranges (segment_id)',
  'DELETE FROM free_spans WHERE segment_id NOT IN (SELECT id FROM segments)',
  'ALTER TABLE free_spans ADD FOREIGN KEY (segment_id) REFERENCES segments ON DELETE CASCADE',
  // They would cost three look-ups for each write of a VM; ids are never used again, and one of a pool that is gone means none.
  'ALTER TABLE vms DROP CONSTRAINT vms_ip_pool_fkey, DROP CONSTRAINT vms_port_pool_fkey, DROP CONSTRAINT vms_rule_pool_fkey',
]);
