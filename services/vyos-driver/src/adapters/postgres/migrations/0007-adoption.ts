import { defineMigration } from '@berth/database';

/**
 * Changes that adopt what others made, and what there is of that: every static mapping and destination rule of others, as the newest
 * complete reading showed it. `foreign_objects_hash` is its digest, so that it is written only when it has changed.
 */
export const adoption = defineMigration('driver-0007-adoption', [
  'ALTER TABLE resources ADD COLUMN adopts boolean NOT NULL DEFAULT false',
  "ALTER TABLE routers ADD COLUMN foreign_objects_hash text NOT NULL DEFAULT ''",
  `CREATE TABLE foreign_objects (
    router text NOT NULL,
    path text COLLATE "C" NOT NULL,
    object jsonb NOT NULL,
    PRIMARY KEY (router, path)
  )`,
]);
