import type { NamedMigration } from '@berth/database';
import { messagingTables } from '@berth/messaging';
import { apiKeys } from './0001-api-keys.ts';
import { access, type UserIdKind } from './0002-access.ts';
import { limits } from './0008-limits.ts';

/** The history of auth's tables. Released ones are never edited. `userIds` counts at the first migration alone. */
export const migrations = (userIds: UserIdKind): readonly NamedMigration[] => [
  apiKeys,
  messagingTables,
  access(userIds),
  limits,
];
