import { defineMigration } from '@berth/database';

/** Plans say why they cannot be applied any more. Those that never came to be are not kept, since their keys would find them. */
export const plansInDetail = defineMigration('allocator-0012-plans', [
  "DELETE FROM plans WHERE hash = '' AND state NOT IN ('making', 'open')",
  "ALTER TABLE plans ADD COLUMN reason text NOT NULL DEFAULT ''",
]);
