import { defineMigration } from '@berth/database';

/** That an operation's values may have been live is remembered when a later verdict on other values says nothing of the kind. */
export const valuesThatStood = defineMigration('allocator-0007-values-that-stood', [
  'ALTER TABLE operations ADD COLUMN stood boolean NOT NULL DEFAULT false',
]);
