import { defineMigration } from '@berth/database';

/** Within how many minutes the router wanted the batch confirmed; null: it was to stay, or nobody noted it. */
export const confirmMinutes = defineMigration('driver-0010', [
  'ALTER TABLE batches ADD COLUMN confirm_minutes integer',
]);
