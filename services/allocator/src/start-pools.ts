import { PoolChangedSchema, subjects } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, listen, type Outbox } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import { servePools } from './adapters/nats/pools/serve-pools.ts';
import { makePoolHandlers } from './adapters/pools/make-pool-handlers.ts';
import { changeForms } from './adapters/pools/pool-announcements.ts';
import { PoolFeed } from './adapters/pools/pool-feed.ts';
import type { PoolHandlers } from './adapters/pools/pool-handlers.ts';
import { postgresAllocations, postgresValueReader } from './adapters/postgres/pools/allocation-pages.ts';
import { dropOldAnswers } from './adapters/postgres/pools/answered-keys.ts';
import { dropOldChanges } from './adapters/postgres/pools/pool-changes.ts';
import { postgresPoolLedger } from './adapters/postgres/pools/pool-ledger.ts';
import { allPoolLevels, samplePools } from './adapters/postgres/pools/pool-levels.ts';
import { postgresPoolReader } from './adapters/postgres/pools/pool-reader.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import type { KnownGroups } from './app/known-groups.ts';
import { passThresholds } from './app/pools/pass-thresholds.ts';
import { endReservations } from './app/pools/reserve-values.ts';

const everySecondMs = 1_000;
const lookAtLevelsEveryMs = 5_000;
const sampleEveryMs = 20_000;
const dropEveryMs = 600_000;

/** Starts the administration of pools. Gives back its use cases, for further ways in. */
export function startPools(
  deps: {
    readonly database: Database;
    readonly bus: Bus;
    readonly outbox: Outbox;
    readonly defaultRouter: string;
    readonly groups: KnownGroups;
  },
  { log, onStop }: Pick<ServiceContext, 'log' | 'onStop'>,
): PoolHandlers {
  const { database, bus, outbox, defaultRouter, groups } = deps;
  const ledger = postgresPoolLedger({ database, outbox, forms: changeForms });

  onStop(repeatedly(everySecondMs, log, 'ending reservations', () => endReservations(ledger)));
  const levels = { all: () => allPoolLevels(database) };
  onStop(repeatedly(lookAtLevelsEveryMs, log, 'looking at how full pools are', () => passThresholds(ledger, levels)));
  onStop(repeatedly(sampleEveryMs, log, 'noting how full pools are', () => samplePools(database)));
  const drop = () => Promise.all([dropOldAnswers(database), dropOldChanges(database)]);
  onStop(repeatedly(dropEveryMs, log, 'dropping old answers and changes', drop));

  const feed = new PoolFeed({ database, log });
  onStop(() => feed.stop());
  onStop(listen(bus, subjects.anyPoolChanged, PoolChangedSchema, () => feed.ring()));

  const handlers = makePoolHandlers({
    ...{ ledger, feed, defaultRouter, groups, reader: postgresPoolReader(database) },
    ...{ allocations: postgresAllocations(database), values: postgresValueReader(database) },
  });
  onStop(servePools(bus, handlers));
  return handlers;
}
