import { defineMigration } from '@berth/database';

/**
 * Within how many minutes the router wanted the batch confirmed; null: it was to stay, or nobody noted it. And entries of the history that are
 * neither a commit nor somebody's edit.
 */
export const confirmMinutesAndKinds = defineMigration('driver-0010', [
  'ALTER TABLE batches ADD COLUMN confirm_minutes integer',
  'ALTER TABLE history_commits DROP CONSTRAINT history_commits_kind_check',
  `ALTER TABLE history_commits ADD CONSTRAINT history_commits_kind_check CHECK (kind IN
    ('change', 'repair', 'way_back', 'foreign', 'drift', 'baseline', 'adoption', 'accepted', 'upgrade'))`,
]);
