import { defineMigration } from '@berth/database';

/**
 * What was asked for knows its user, who may have several keys; bulks know all that their askers might do, and plans all groups that they are about.
 * Pages of somebody's own operations are read by an index.
 */
export const whose = defineMigration('allocator-0013-whose', [
  "ALTER TABLE operations ADD COLUMN user_id text NOT NULL DEFAULT ''",
  'CREATE INDEX operations_of_principal ON operations (principal_id, seq)',
  "CREATE INDEX operations_of_user ON operations (user_id, seq) WHERE user_id <> ''",
  `ALTER TABLE bulks ADD COLUMN user_id text NOT NULL DEFAULT '', ADD COLUMN grants jsonb NOT NULL DEFAULT '[]'`,
  `ALTER TABLE plans ADD COLUMN user_id text NOT NULL DEFAULT '', ADD COLUMN groups text[] NOT NULL DEFAULT '{}'`,
  `UPDATE plans SET groups = ARRAY(
     SELECT DISTINCT named FROM (
       SELECT principal_group AS named UNION ALL SELECT vm ->> 'ownerGroup' FROM jsonb_array_elements(vms) AS vm
     ) AS about WHERE named IS NOT NULL)`,
]);
