import { openAccess } from '@berth/access';
import { connectBus } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import { accountRoutes } from './adapters/http/account.ts';
import { accountIdentityRoutes } from './adapters/http/account-identities.ts';
import { adoptionRoutes } from './adapters/http/adoptions.ts';
import { apiKeyRoutes } from './adapters/http/api-keys.ts';
import type { App } from './adapters/http/app-types.ts';
import { auditKeyRoutes } from './adapters/http/audit-keys.ts';
import { auditRoutes } from './adapters/http/audit-log.ts';
import { backupRoutes } from './adapters/http/backup.ts';
import { blockRoutes } from './adapters/http/blocks.ts';
import { buildApp } from './adapters/http/build-app.ts';
import { bulkRoutes } from './adapters/http/bulk.ts';
import { cancelOperationRoutes } from './adapters/http/cancel-operation.ts';
import { decommissionVmRoutes } from './adapters/http/decommission-vm.ts';
import { driftRoutes } from './adapters/http/drift.ts';
import { explainLineRoutes } from './adapters/http/explain-lines.ts';
import { explainValueRoutes } from './adapters/http/explain-value.ts';
import { forwardTemplateRoutes } from './adapters/http/forward-template.ts';
import { forwardRoutes } from './adapters/http/forwards.ts';
import { healthRoutes } from './adapters/http/health.ts';
import { gatewayMetrics } from './adapters/http/http-metrics.ts';
import { identityProviderRoutes } from './adapters/http/identity-providers.ts';
import { limitRoutes } from './adapters/http/limits.ts';
import { listOperationsRoutes } from './adapters/http/list-operations.ts';
import { listVmsRoutes } from './adapters/http/list-vms.ts';
import { listen } from './adapters/http/listen.ts';
import { mailRoutes } from './adapters/http/mails.ts';
import { operationRoutes } from './adapters/http/operations.ts';
import { planRoutes } from './adapters/http/plans.ts';
import { poolRoutes } from './adapters/http/pools.ts';
import { portStatusRoutes } from './adapters/http/port-status.ts';
import { portRoutes } from './adapters/http/ports.ts';
import { provisionVmRoutes } from './adapters/http/provision-vm.ts';
import { registrationRoutes } from './adapters/http/registration.ts';
import { reservationRoutes } from './adapters/http/reservations.ts';
import { rollbackRoutes } from './adapters/http/rollback.ts';
import { routerCommitRoutes } from './adapters/http/router-commits.ts';
import { routerConfigRoutes } from './adapters/http/router-config.ts';
import { routerFileRoutes } from './adapters/http/router-files.ts';
import { routerRoutes } from './adapters/http/routers.ts';
import { signInProviderRoutes } from './adapters/http/sign-in-providers.ts';
import { syncVyosConfigRoutes } from './adapters/http/sync-vyos-config.ts';
import { updateVmRoutes } from './adapters/http/update-vm.ts';
import { vmRoutes } from './adapters/http/vms.ts';
import { adoptionService } from './adapters/nats/adoption-service.ts';
import { auditRecorder } from './adapters/nats/audit-recorder.ts';
import { authAsk } from './adapters/nats/auth-service.ts';
import { backupService } from './adapters/nats/backup-service.ts';
import { bulkService } from './adapters/nats/bulk-service.ts';
import { driftReader } from './adapters/nats/drift-service.ts';
import { forwardTemplates } from './adapters/nats/forward-templates.ts';
import { healthChecks } from './adapters/nats/health-checks.ts';
import { historyReader } from './adapters/nats/history-service.ts';
import { listenToEndings } from './adapters/nats/operation-endings.ts';
import { planService } from './adapters/nats/plan-service.ts';
import { poolAdministration } from './adapters/nats/pool-service.ts';
import { queueReader } from './adapters/nats/queue-reader.ts';
import { routerFiles } from './adapters/nats/router-files.ts';
import { routerAdministration } from './adapters/nats/router-service.ts';
import {
  operationCanceller,
  operationLister,
  operationReader,
  vmCommands,
  vmReader,
} from './adapters/nats/vm-service.ts';
import { type CommandTiming, defaultTiming } from './app/command-timing.ts';
import { steadyClock } from './app/common-clock.ts';
import { healthReader } from './app/read-health.ts';
import type { GatewayConfig } from './config.ts';
import { administrationRoutes } from './start-administration.ts';
import { startLimits } from './start-limits.ts';
import { addTokenRoutes } from './start-tokens.ts';

/** Starts the gateway; gives back its address. `timing` and `now` are for tests that cannot wait as long as people do. */
export async function startGateway(
  config: GatewayConfig,
  context: Pick<ServiceContext, 'log' | 'metrics' | 'onStop' | 'readyWhen'> & Partial<Pick<ServiceContext, 'fail'>>,
  timing: CommandTiming = { ...defaultTiming, commandTimeoutMs: config.commandTimeoutMs },
  now: () => number = steadyClock,
): Promise<{ url: string; app: App }> {
  const { log, onStop } = context;
  const bus = await connectBus({
    url: config.natsUrl,
    prefix: config.subjectPrefix,
    name: 'gateway',
    log,
    metrics: context.metrics,
    ...(context.fail && { fail: context.fail }),
  });
  onStop(() => bus.drain());
  context.readyWhen('bus', () => bus.ping());

  const endings = listenToEndings(bus);
  const metrics = gatewayMetrics(context.metrics, { waiting: () => endings.waiting });
  const access = openAccess(bus, {
    wait: timing,
    tokens: config.tokens,
    ttlMs: config.keyCacheSeconds * 1_000,
    onLookup: (result) => metrics.keyLookups.inc({ result }),
  });
  onStop(() => access.stop());

  const limits = startLimits({ bus, timing, config, state: access.state, now }, context);

  await bus.ping(); // answers once the server knows of both subscriptions: no news is missed from the first request on

  const commands = { operations: operationReader(bus), endings, timing };
  const plans = planService(bus, timing);
  const answering = { commands, defaultWaitSeconds: config.waitSeconds, vms: vmCommands(bus), plans };
  const bulks = bulkService(bus, timing);
  const administration = { pools: poolAdministration(bus, timing), commandTimeoutMs: timing.commandTimeoutMs };
  const vms = vmReader(bus, timing);
  const drift = driftReader(bus, timing);
  const operations = operationLister(bus, timing);
  const { requestsPerSecond, overloadedAfterMs } = config;
  const http = {
    audit: auditRecorder(bus),
    log,
    metrics,
    keys: access.authenticator,
    requestsPerSecond,
    overloadedAfterMs,
    limits,
    trustedProxies: config.trustedProxies,
  };
  const auth = authAsk(bus, timing);
  const { commandTimeoutMs } = timing;
  const patient = authAsk(bus, { ...timing, answerTimeoutMs: commandTimeoutMs }); // where auth asks others
  const past = { history: historyReader(bus, timing), vms, operations };
  const app = await buildApp(http, (routes) => {
    healthRoutes(routes, { health: healthReader(healthChecks(bus)) });
    listVmsRoutes(routes, { vms });
    vmRoutes(routes, { vms });
    provisionVmRoutes(routes, answering);
    updateVmRoutes(routes, answering);
    decommissionVmRoutes(routes, answering);
    forwardRoutes(routes, { ...answering, reader: vms });
    forwardTemplateRoutes(routes, {
      templates: forwardTemplates(bus, timing),
      commandTimeoutMs: timing.commandTimeoutMs,
    });
    portRoutes(routes, answering);
    portStatusRoutes(routes, { vms });
    bulkRoutes(routes, { ...answering, bulks });
    planRoutes(routes, { ...answering, bulks });
    adoptionRoutes(routes, { ...answering, bulks, drift, adoptions: adoptionService(bus, timing) });
    rollbackRoutes(routes, answering);
    routerFileRoutes(routes, { files: routerFiles(bus, timing), waitSeconds: config.waitSeconds });
    backupRoutes(routes, { ...answering, history: past.history, backups: backupService(bus, timing) });
    operationRoutes(routes, { ...answering, queue: queueReader(bus) });
    listOperationsRoutes(routes, { operations });
    cancelOperationRoutes(routes, { ...answering, cancel: operationCanceller(bus, timing) });
    driftRoutes(routes, { drift });
    syncVyosConfigRoutes(routes, { drift, waitSeconds: config.waitSeconds });
    for (const addRoutes of [poolRoutes, reservationRoutes, explainValueRoutes]) addRoutes(routes, administration);
    routerRoutes(routes, {
      routers: routerAdministration(bus, timing),
      commandTimeoutMs: timing.commandTimeoutMs,
    });
    for (const addRoutes of [routerCommitRoutes, routerConfigRoutes, explainLineRoutes]) addRoutes(routes, past);
    const limitDeps = { limits: auth, commandTimeoutMs: timing.commandTimeoutMs, isExempt: limits.isExempt };
    for (const addRoutes of [limitRoutes, blockRoutes]) addRoutes(routes, limitDeps);
    const accounts = { auth, commandTimeoutMs: timing.commandTimeoutMs };
    for (const addRoutes of [registrationRoutes, accountRoutes]) addRoutes(routes, accounts);
    auditRoutes(routes, { audit: auth });
    auditKeyRoutes(routes, accounts);
    mailRoutes(routes, { mails: auth, commandTimeoutMs: timing.commandTimeoutMs });
    apiKeyRoutes(routes, {
      apiKeys: auth,
      commandTimeoutMs: timing.commandTimeoutMs,
      forget: (id) => access.keys.forget(id),
    });
    addTokenRoutes(routes, { auth, access, commandTimeoutMs: timing.commandTimeoutMs });
    administrationRoutes(routes, { auth, commandTimeoutMs: timing.commandTimeoutMs });
    for (const addRoutes of [identityProviderRoutes, signInProviderRoutes, accountIdentityRoutes]) {
      addRoutes(routes, { auth: patient, commandTimeoutMs });
    }
  });
  const url = await listen(app, config);
  onStop(() => app.close());
  onStop(() => limits.slow.stop());
  onStop(() => endings.stop()); // first of all: whoever waits long gets his 202 now
  return { url, app };
}
