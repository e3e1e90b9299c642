import type { NamedMigration } from '@berth/database';
import { messagingTables } from '@berth/messaging';
import { first } from './0001-first.ts';
import { conflicts } from './0002-conflicts.ts';
import { routers } from './0003-routers.ts';
import { drift } from './0004-drift.ts';
import { history } from './0005-history.ts';
import { adoption } from './0007-adoption.ts';
import { withdrawals } from './0008-withdrawals.ts';
import { routerFiles } from './0009-router-files.ts';
import { confirmMinutesAndKinds } from './0010-confirm-minutes-and-kinds.ts';
import { answeredKeys } from './0011-answered-keys.ts';

/** The history of the schema. Released ones are never edited. */
export const migrations: readonly NamedMigration[] = [
  messagingTables,
  first,
  conflicts,
  routers,
  drift,
  history,
  adoption,
  withdrawals,
  routerFiles,
  confirmMinutesAndKinds,
  answeredKeys,
];
