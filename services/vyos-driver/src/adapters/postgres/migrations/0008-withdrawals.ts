import { defineMigration } from '@berth/database';

/** Changes that were taken back before a commit began with them. What waits is looked at group by group, without looking at its rows. */
export const withdrawals = defineMigration('driver-0008', [
  'ALTER TABLE verdicts DROP CONSTRAINT verdicts_verdict_check',
  `ALTER TABLE verdicts ADD CONSTRAINT verdicts_verdict_check CHECK (verdict IN ('applied', 'rejected', 'withdrawn'))`,
  'DROP INDEX resources_waiting',
  'CREATE INDEX resources_waiting ON resources (router, owner_group, queued) INCLUDE (resource_id) WHERE waiting',
]);
