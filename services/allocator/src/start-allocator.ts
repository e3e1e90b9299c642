import { openAccess } from '@berth/access';
import { streams } from '@berth/contracts';
import { type Database, openDatabase } from '@berth/database';
import { isKind } from '@berth/errors';
import { connectBus, Outbox } from '@berth/messaging';
import type { Logger, ServiceContext } from '@berth/service-kit';
import { allocatorMetrics } from './adapters/allocator-metrics.ts';
import { poolMethods } from './adapters/grpc/pool-methods.ts';
import { recordRefusals } from './adapters/grpc/record-refusals.ts';
import { refusingKeptOut } from './adapters/grpc/refuse-kept-out.ts';
import { serveGrpc } from './adapters/grpc/serve-grpc.ts';
import { groupsOf } from './adapters/known-groups.ts';
import { serveAdoptions } from './adapters/nats/adoption/serve-adoptions.ts';
import { bulkEndedMessage, itemReader } from './adapters/nats/bulk/bulk-messages.ts';
import { tellOfBulkWork, workOnBulks } from './adapters/nats/bulk/bulk-notices.ts';
import { serveBulks } from './adapters/nats/bulk/serve-bulk.ts';
import { serveDrift } from './adapters/nats/drift/serve-drift.ts';
import { consumeVerdicts } from './adapters/nats/operations/consume-verdicts.ts';
import { serveOperations } from './adapters/nats/operations/serve-operations.ts';
import { changeMessage, endedMessage, withdrawalMessage } from './adapters/nats/outgoing-messages.ts';
import { foreseeRouter } from './adapters/nats/plans/foresee-router.ts';
import { servePlans } from './adapters/nats/plans/serve-plans.ts';
import { serveRestore } from './adapters/nats/restore/serve-restore.ts';
import { askReports, consumeReports, fetchInventory } from './adapters/nats/routers/driver-reports.ts';
import { serveRouterUse } from './adapters/nats/routers/serve-router-use.ts';
import { serveVms } from './adapters/nats/vms/serve-vms.ts';
import { changeForms } from './adapters/pools/pool-announcements.ts';
import { postgresAdoptions } from './adapters/postgres/adoption/adoption-reader.ts';
import { dropOldBulks, postgresBulks } from './adapters/postgres/bulk/bulk-store.ts';
import { postgresTemplates } from './adapters/postgres/forwards/template-store.ts';
import { endPlans, endQuarantines, resendOverdue } from './adapters/postgres/housekeeping.ts';
import { type MessageForms, postgresLedger } from './adapters/postgres/ledger.ts';
import { migrations } from './adapters/postgres/migrations/index.ts';
import { dropOldKeys } from './adapters/postgres/operations/operation-book.ts';
import { postgresOperationList } from './adapters/postgres/operations/operation-list.ts';
import { dropOldPlans, postgresPlanReader } from './adapters/postgres/plans/plan-rows.ts';
import { postgresRestoreReader } from './adapters/postgres/restore/restore-reader.ts';
import { postgresRouters } from './adapters/postgres/routers/router-store.ts';
import { postgresVmList } from './adapters/postgres/vms/vm-list.ts';
import { postgresReader } from './adapters/postgres/vms/vm-reader.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import { workOnBulk } from './app/bulk/bulk-work.ts';
import { acceptCommands } from './app/operations/accept-commands.ts';
import { CommandQueue } from './app/operations/command-queue.ts';
import type { RouterStore } from './app/ports.ts';
import {
  catchUpInventories,
  type FollowDeps,
  forgetRemoved,
  reconcileAllPools,
  takeReports,
} from './app/routers/follow-routers.ts';
import type { AllocatorConfig } from './config.ts';
import { startPools } from './start-pools.ts';

const everySecondMs = 1_000;
const askDriverEveryMs = 15_000;
const dropKeysEveryMs = 600_000;
const askAuth = { answerTimeoutMs: 3_000, nobodyThereMs: 3_000 };

export const openAllocatorDatabase = (url: string): Promise<Database> =>
  openDatabase({ url, schema: 'allocator', migrations, applicationName: 'berth-allocator' });

type Context = Pick<ServiceContext, 'log' | 'metrics' | 'onStop' | 'readyWhen' | 'announce' | 'fail'>;

/** Starts the allocator: several may run side by side. What it began is ended by the context's stop, the last first. */
export async function startAllocator(config: AllocatorConfig, context: Context): Promise<void> {
  const { log, metrics, onStop, readyWhen, announce, fail } = context;
  const database = await openAllocatorDatabase(config.databaseUrl);
  onStop(() => database.close());
  await database.migrate();
  readyWhen('database', () => database.ping());

  const { natsUrl: url, subjectPrefix: prefix } = config;
  const bus = await connectBus({ url, prefix, name: 'allocator', log, metrics, fail });
  onStop(() => bus.drain());
  readyWhen('bus', () => bus.ping());

  const outbox = new Outbox({ database, bus, streams: [streams.routerChanges, streams.events, streams.audit] });
  await outbox.start();
  onStop(() => outbox.stop());

  const counted = allocatorMetrics(metrics, database);
  const messages: MessageForms = {
    change: (vm, wanted, operations) => changeMessage(vm, wanted, operations),
    withdrawal: withdrawalMessage,
    ended: endedMessage,
    bulkEnded: bulkEndedMessage,
  };
  const onBulkWork = (id: string) => tellOfBulkWork(bus, id);
  const ledger = postgresLedger({ database, outbox, messages, onEnded: counted.countEnd, onBulkWork }, config);

  const following: FollowDeps = {
    routers: postgresRouters({ database, outbox, forms: changeForms }),
    pools: config.pools,
    fetchInventory: (router) => fetchInventory(bus, router),
    onConflicts: (router, conflicts) => log.warn({ router, conflicts }, 'others hold values of ours on the router'),
  };
  await reconcileAllPools(following);
  const catchUp = oneAtATime(() => catchUpInventories(following));
  const takeAndCatchUp: Parameters<typeof consumeReports>[1] = async (reports) => {
    await takeReports(following, reports);
    // A driver that cannot answer now is asked again below; the reports are taken.
    await catchUp().catch((error) => log.debug({ err: error }, 'inventory not fetched yet'));
  };
  const reports = consumeReports({ bus, database }, takeAndCatchUp);
  onStop(() => reports.stop());
  onStop(repeatedly(everySecondMs, log, 'fetching inventories', () => quietly(log, catchUp)));
  const ask = () => quietly(log, async () => takeAndCatchUp(await askReports(bus)));
  onStop(repeatedly(askDriverEveryMs, log, 'asking how the routers stand', ask));
  void ask().catch((error) => log.warn({ err: error }, 'asking how the routers stand failed'));

  const onStartBug = (error: unknown, operationId: string) =>
    log.error({ err: error, operationId }, 'an operation that waited could not be started');
  const verdicts = consumeVerdicts({ bus, database, ledger, onBug: onStartBug });
  onStop(() => verdicts.stop());

  onStop(repeatedly(everySecondMs, log, 'ending quarantines', () => endQuarantines(database)));
  onStop(repeatedly(everySecondMs, log, 'ending plans', () => endPlans(database)));
  onStop(repeatedly(everySecondMs, log, 'forgetting removed routers', () => forgetRemoved(following)));
  onStop(repeatedly(dropKeysEveryMs, log, 'dropping old plans', () => dropOldPlans(database)));
  onStop(repeatedly(everySecondMs, log, 'sending overdue changes again', () => resend(config)));
  onStop(repeatedly(dropKeysEveryMs, log, 'dropping old idempotency keys', () => dropOldKeys(database)));
  const resend = async ({ resendAfterSeconds }: AllocatorConfig) => {
    const count = await resendOverdue({ outbox, messages }, resendAfterSeconds);
    if (count > 0) log.info({ count }, 'changes sent again: their verdicts are overdue');
  };

  readyWhen(
    'router',
    onceHeld(() => assertHeardOf(following.routers, config.defaultRouter)),
  );

  const access = openAccess(bus, { wait: askAuth, ttlMs: config.keyCacheSeconds * 1_000, tokens: config.tokens });
  onStop(() => access.stop());
  const accepting = { ledger, defaultRouter: config.defaultRouter, groups: groupsOf(access) };
  const { defaultRouter, groups } = accepting;
  const commands = new CommandQueue(counted.measured((together) => acceptCommands(accepting, together)));
  const onAnswer = counted.countAnswer;
  const bulks = postgresBulks(database);
  const readItem = itemReader(defaultRouter);
  const onBug = (error: unknown, bulkId: string) => log.error({ err: error, bulkId }, 'an item of a bulk failed');
  onStop(workOnBulks({ bus, log }, () => workOnBulk({ ...accepting, bulks, readItem, onAnswer, onBug })));
  onStop(repeatedly(dropKeysEveryMs, log, 'dropping old bulks', () => dropOldBulks(database)));
  const stopServing = serveVms(bus, {
    commands,
    reader: postgresReader(database),
    list: postgresVmList(database),
    templates: postgresTemplates({ database, outbox }),
    defaultRouter,
    onAnswer,
  });
  onStop(serveBulks(bus, { bulks }));
  onStop(serveRouterUse(bus, database));
  onStop(serveDrift(bus, { reader: postgresReader(database), submit: (command) => commands.submit(command) }));
  const plans = { ...accepting, planMs: config.planMs, plans: postgresPlanReader(database) };
  onStop(servePlans(bus, { ...plans, foresee: foreseeRouter(bus) }));
  onStop(serveRestore(bus, { ...plans, foresee: foreseeRouter(bus), reader: postgresRestoreReader(database) }));
  onStop(serveAdoptions(bus, { bulks, groups, reader: postgresAdoptions(database) }));
  const operations = postgresOperationList(database);
  onStop(serveOperations(bus, { ledger, bulks, operations, reader: postgresReader(database), onBug: onStartBug }));
  onStop(async () => {
    await stopServing();
    await commands.idle();
  });

  const pools = startPools({ database, bus, outbox, defaultRouter, groups }, context);

  const refusals = recordRefusals({ bus, log });
  onStop(() => refusals.stop());
  const grpc = await serveGrpc(
    { host: config.grpcHost, port: config.grpcPort, tls: config.grpcTls, callsPerSecond: config.callsPerSecond },
    {
      ...{ log, metrics, refusals, keys: access.authenticator, refuseKeptOut: refusingKeptOut(access.state) },
      ...{ ping: () => database.ping(), methods: poolMethods(pools) },
    },
  );
  onStop(() => grpc.stop());
  await bus.ping(); // the server knows of the subscriptions now
  announce({ grpc: grpc.address });
}

/** Throws until the driver has told how the router stands and what others hold there: before that, every command would get 503. */
async function assertHeardOf(routers: RouterStore, name: string): Promise<void> {
  const router = (await routers.all()).find((one) => one.name === name);
  if (router === undefined || router.state === 'unseen')
    throw new Error('the driver has not told of the default router yet');
  if (router.site !== null && router.inventory > router.inventoryLoaded) throw new Error('the inventory is on its way');
}

/** `check` until it holds for the first time: what was known once is kept up to date elsewhere. */
function onceHeld(check: () => Promise<void>): () => Promise<void> {
  let held = false;
  return async () => {
    if (!held) await check();
    held = true;
  };
}

/** A driver that is away is nothing to tell of each second. */
async function quietly(log: Logger, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isKind(error, 'unavailable') && !isKind(error, 'not_found')) throw error;
    log.debug({ err: error }, 'the driver does not answer');
  }
}

/** `work`, where who asks while it runs gets a run that begins afterwards. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= last
      .catch(() => {})
      .then(() => {
        next = undefined;
        last = work();
        return last;
      });
    return next;
  };
}
