import { defineMigration } from '@berth/database';

/** Blocks show by name whose decision they were, as bans do: the name of that time, also when its bearer is gone. */
export const blockedBy = defineMigration('auth-0012-blocked-by', [
  "ALTER TABLE blocks ADD COLUMN blocked_by_name text NOT NULL DEFAULT ''",
]);
