import type { Database } from '@berth/database';
import type { Bus, Outbox } from '@berth/messaging';
import type { Logger } from '@berth/service-kit';
import { wakeRouter } from './adapters/nats/consume-router-changes.ts';
import { offerToAllocator } from './adapters/nats/offer-to-allocator.ts';
import { serveAdoptable } from './adapters/nats/serve-adoptable.ts';
import { serveDrift } from './adapters/nats/serve-drift.ts';
import { serveFiles } from './adapters/nats/serve-files.ts';
import { servePlans } from './adapters/nats/serve-plans.ts';
import { serveQueue } from './adapters/nats/serve-queue.ts';
import { serveRouters } from './adapters/nats/serve-routers.ts';
import { PostgresQueue } from './adapters/postgres/changes/postgres-queue.ts';
import { PostgresDriftDirectory } from './adapters/postgres/drift/postgres-drift-directory.ts';
import { postgresDriftOffers } from './adapters/postgres/drift/postgres-drift-offers.ts';
import { PostgresPlanGrounds } from './adapters/postgres/plans/postgres-plan-grounds.ts';
import { PostgresRouterDirectory } from './adapters/postgres/routers/postgres-router-directory.ts';
import { PostgresRouterFiles } from './adapters/postgres/routers/postgres-router-files.ts';
import type { DriverConfig } from './config.ts';
import { startHistory } from './start-history.ts';

/** Answers what any replica can tell from the tables, whoever works the router. */
export function startAnswers({
  config,
  log,
  database,
  bus,
  outbox,
  stops,
}: {
  readonly config: DriverConfig;
  readonly log: Logger;
  readonly database: Database;
  readonly bus: Bus;
  readonly outbox: Outbox;
  readonly stops: (() => Promise<unknown> | unknown)[];
}): void {
  const ending = new AbortController();
  const wake = (router: string) => wakeRouter(bus, router);
  stops.push(serveRouters(bus, new PostgresRouterDirectory(database)));
  stops.push(serveAdoptable(bus, database));
  stops.push(serveQueue(bus, new PostgresQueue({ database, outbox })));
  stops.push(servePlans(bus, new PostgresPlanGrounds(database)));
  stops.push(serveDrift(bus, new PostgresDriftDirectory({ database, outbox }), { wake, stopping: ending.signal }));
  stops.push(serveFiles(bus, new PostgresRouterFiles({ database, outbox }), { wake, stopping: ending.signal }));
  stops.push(() => ending.abort());
  stops.push(...startHistory(bus, database, { log, ...config.history }));
  stops.push(offerToAllocator(bus, postgresDriftOffers(database), config.times.pollMs));
}
