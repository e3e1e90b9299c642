import type { NamedMigration } from '@berth/database';
import { messagingTables } from '@berth/messaging';
import { apiKeys } from './0001-api-keys.ts';
import { access, type UserIdKind } from './0002-access.ts';
import { sessions } from './0003-sessions.ts';
import { accounts } from './0004-accounts.ts';
import { administration } from './0005-administration.ts';
import { userApiKeys } from './0006-api-keys.ts';
import { identities } from './0007-identities.ts';
import { limits } from './0008-limits.ts';
import { mails } from './0009-mails.ts';
import { audit } from './0010-audit.ts';
import { keyRotation } from './0011-key-rotation.ts';
import { blockedBy } from './0012-blocked-by.ts';

/** The history of auth's tables. Released ones are never edited. `userIds` counts at the first migration alone. */
export const migrations = (userIds: UserIdKind): readonly NamedMigration[] => [
  apiKeys,
  messagingTables,
  access(userIds),
  sessions,
  accounts,
  userApiKeys,
  mails,
  identities,
  audit,
  administration,
  limits,
  keyRotation,
  blockedBy,
];
