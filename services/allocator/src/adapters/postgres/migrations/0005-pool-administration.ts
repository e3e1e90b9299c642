import { defineMigration } from '@berth/database';

/** What the administration of pools reads in order. */
export const poolAdministration = defineMigration('allocator-0005', [
  // Who holds what of a pool, page by page: the constraint's own index finds values, and cannot go through them in order.
  'CREATE INDEX allocations_in_order ON allocations (space_id, (lower(held)))',
]);
