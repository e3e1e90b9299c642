import { openAccess } from '@berth/access';
import { connectBus } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import { accountRoutes } from './adapters/http/accounts/account.ts';
import { registrationRoutes } from './adapters/http/accounts/registration.ts';
import { adoptionRoutes } from './adapters/http/adoption/adoptions.ts';
import type { App } from './adapters/http/app-types.ts';
import { auditKeyRoutes } from './adapters/http/audit/audit-keys.ts';
import { auditRoutes } from './adapters/http/audit/audit-log.ts';
import { bulkRoutes } from './adapters/http/bulk/bulk.ts';
import { driftRoutes } from './adapters/http/drift/drift.ts';
import { syncVyosConfigRoutes } from './adapters/http/drift/sync-vyos-config.ts';
import { forwardTemplateRoutes } from './adapters/http/forwards/forward-template.ts';
import { forwardRoutes } from './adapters/http/forwards/forwards.ts';
import { portStatusRoutes } from './adapters/http/forwards/port-status.ts';
import { portRoutes } from './adapters/http/forwards/ports.ts';
import { backupRoutes } from './adapters/http/history/backup.ts';
import { explainLineRoutes } from './adapters/http/history/explain-lines.ts';
import { rollbackRoutes } from './adapters/http/history/rollback.ts';
import { routerCommitRoutes } from './adapters/http/history/router-commits.ts';
import { routerConfigRoutes } from './adapters/http/history/router-config.ts';
import { accountIdentityRoutes } from './adapters/http/identities/account-identities.ts';
import { identityProviderRoutes } from './adapters/http/identities/identity-providers.ts';
import { signInProviderRoutes } from './adapters/http/identities/sign-in-providers.ts';
import { apiKeyRoutes } from './adapters/http/keys/api-keys.ts';
import { blockRoutes } from './adapters/http/limits/blocks.ts';
import { limitRoutes } from './adapters/http/limits/limits.ts';
import { mailRoutes } from './adapters/http/mails/mails.ts';
import { cancelOperationRoutes } from './adapters/http/operations/cancel-operation.ts';
import { listOperationsRoutes } from './adapters/http/operations/list-operations.ts';
import { operationRoutes } from './adapters/http/operations/operations.ts';
import { planRoutes } from './adapters/http/plans/plans.ts';
import { explainValueRoutes } from './adapters/http/pools/explain-value.ts';
import { poolRoutes } from './adapters/http/pools/pools.ts';
import { reservationRoutes } from './adapters/http/pools/reservations.ts';
import { routerFileRoutes } from './adapters/http/routers/router-files.ts';
import { routerRoutes } from './adapters/http/routers/routers.ts';
import { buildApp } from './adapters/http/server/build-app.ts';
import { healthRoutes } from './adapters/http/server/health.ts';
import { gatewayMetrics } from './adapters/http/server/http-metrics.ts';
import { listen } from './adapters/http/server/listen.ts';
import { decommissionVmRoutes } from './adapters/http/vms/decommission-vm.ts';
import { listVmsRoutes } from './adapters/http/vms/list-vms.ts';
import { provisionVmRoutes } from './adapters/http/vms/provision-vm.ts';
import { updateVmRoutes } from './adapters/http/vms/update-vm.ts';
import { vmRoutes } from './adapters/http/vms/vms.ts';
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
import { type CommandTiming, defaultTiming } from './app/operations/command-timing.ts';
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
  now: () => number = Date.now,
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
