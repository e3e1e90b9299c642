import { defineMigration } from '@berth/database';

/** VMs that were made of what people had configured on a router, and how they wrote it. Items of bulks may be such VMs. */
export const adoption = defineMigration('allocator-0009-adoption', [
  'ALTER TABLE vms ADD COLUMN adopted jsonb',
  `ALTER TABLE bulk_items DROP CONSTRAINT bulk_items_kind_check,
    ADD CONSTRAINT bulk_items_kind_check CHECK (kind IN ('provision', 'decommission', 'adopt', 'refused'))`,
]);
