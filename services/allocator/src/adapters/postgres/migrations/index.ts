import type { NamedMigration } from '@berth/database';
import { messagingTables } from '@berth/messaging';
import { first } from './0001-first.ts';
import { managedPools } from './0002-managed-pools.ts';
import { routerProfile } from './0003-router-profile.ts';
import { forwardsInDetail } from './0004-forwards.ts';
import { poolAdministration } from './0005-pool-administration.ts';
import { bulk } from './0006-bulk.ts';
import { valuesThatStood } from './0007-values-that-stood.ts';
import { plans } from './0008-plans.ts';
import { adoption } from './0009-adoption.ts';
import { operationsInDetail } from './0010-operations.ts';
import { plansInDetail } from './0012-plans.ts';
import { whose } from './0013-whose.ts';

/** The history of the schema. Released ones are never edited. */
export const migrations: readonly NamedMigration[] = [
  messagingTables,
  first,
  managedPools,
  routerProfile,
  forwardsInDetail,
  poolAdministration,
  bulk,
  valuesThatStood,
  plans,
  adoption,
  operationsInDetail,
  plansInDetail,
  whose,
];
