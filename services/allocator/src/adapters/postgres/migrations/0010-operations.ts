import { defineMigration } from '@berth/database';

/** Operations can be cancelled and listed, and say when they were sent. Bulks can be cancelled. */
export const operationsInDetail = defineMigration('allocator-0010', [
  `ALTER TABLE operations ADD COLUMN sent_at timestamptz, ADD COLUMN cancel_asked boolean NOT NULL DEFAULT false`,
  'CREATE UNIQUE INDEX operations_in_order ON operations (seq)',
  'CREATE INDEX operations_of_vm ON operations (vm_id, seq)',
  'CREATE INDEX operations_of_vm_name ON operations (lower(vm_name), seq)',
  'CREATE INDEX operations_of_group ON operations (owner_group, seq)',
  "CREATE INDEX operations_of_bulk ON operations (bulk_id) WHERE bulk_id IS NOT NULL AND state IN ('pending', 'running')",
  'ALTER TABLE bulks ADD COLUMN cancelled boolean NOT NULL DEFAULT false',
  'ALTER TABLE bulks DROP CONSTRAINT bulks_state_check',
  `ALTER TABLE bulks ADD CONSTRAINT bulks_state_check
     CHECK (state IN ('staged', 'running', 'succeeded', 'failed', 'cancelled'))`,
]);
