import { defineMigration } from '@berth/database';

/** Which value others hold, of verdicts since then. */
export const conflicts = defineMigration('driver-0002', ['ALTER TABLE verdicts ADD COLUMN conflict jsonb']);
