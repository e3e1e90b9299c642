import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { DriverMetrics } from '../../app/driver-metrics.ts';
import type { RouterState } from '../../domain/routers/router-state.ts';

const states: readonly RouterState[] = [
  'unseen',
  'ok',
  'unreachable',
  'breaker_open',
  'unknown',
  'blocked',
  'disabled',
  'removed',
];
const breakerStates = ['closed', 'half_open', 'open'] as const;
const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** The driver's metrics, in `registers`. */
export function prometheusDriverMetrics(registers: Registry): DriverMetrics {
  const on = { registers: [registers] };
  const gauge = (name: string, help: string, labelNames: string[] = ['router']) =>
    new Gauge({ name: `berth_driver_${name}`, help, labelNames, ...on });
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `berth_driver_${name}`, help, labelNames, ...on });
  const histogram = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new Histogram({ name: `berth_driver_${name}`, help, labelNames, buckets, ...on });

  const state = gauge('router_state', 'How each router stands: 1 for the state it is in', ['router', 'state']);
  const breaker = gauge('breaker_state', 'Breaker of each router: 1 for the state it is in', ['router', 'state']);
  const epoch = gauge('lease_epoch', 'Epoch of the lease that this process took last');
  const waiting = gauge('waiting_changes', 'Changes that wait for the router; more than 10,000 are not counted');
  const drifted = gauge('drifted_resources', 'Resources that differ on the router from what was applied, as last read');
  const driftedPaths = gauge('drifted_paths', 'Owned paths that others changed, as last read');
  const driftChecks = counter('drift_checks_total', 'Comparisons of routers with what was applied', [
    'router',
    'outcome',
  ]);
  const driftRepairs = counter('drift_repairs_total', 'Resources that were brought back to what was applied', [
    'router',
  ]);
  const requests = histogram(
    'router_request_seconds',
    'Requests to the router by kind and outcome',
    ['router', 'kind', 'outcome'],
    seconds,
  );
  const batches = counter('batches_total', 'Batches by outcome', ['router', 'outcome']);
  const batchResources = histogram(
    'batch_resources',
    'Resources in a batch',
    ['router'],
    [1, 2, 5, 10, 20, 50, 100, 200, 500],
  );
  const batchOperations = histogram(
    'batch_operations',
    'Commands in a batch',
    ['router'],
    [1, 5, 10, 50, 100, 500, 2_000],
  );
  const batchSeconds = histogram(
    'batch_seconds',
    'How long the router took for a batch',
    ['router', 'outcome'],
    seconds,
  );
  const verdicts = counter('verdicts_total', 'Verdicts on changes', ['router', 'verdict']);
  const saves = counter('saves_total', 'Saves of the running configuration', ['router']);
  const saveFailures = counter('save_failures_total', 'Saves that failed and are tried again', ['router']);
  const reverts = counter('reverts_total', 'Commits that were not confirmed and that the router took back', ['router']);
  const repairs = counter('repairs_refused_total', 'Repairs and ways back that the router refused', ['router']);

  return {
    request: (router, kind, outcome, durationMs) => requests.observe({ router, kind, outcome }, durationMs / 1_000),
    batch(router, { outcome, resources, operations, durationMs }) {
      batches.inc({ router, outcome });
      batchResources.observe({ router }, resources);
      batchOperations.observe({ router }, operations);
      batchSeconds.observe({ router, outcome }, durationMs / 1_000);
    },
    verdicts: (router, verdict, count) => verdicts.inc({ router, verdict }, count),
    waiting: (router, count) => waiting.set({ router }, count),
    state(router, current) {
      for (const one of states) state.set({ router, state: one }, one === current ? 1 : 0);
    },
    breaker(router, current) {
      for (const one of breakerStates) breaker.set({ router, state: one }, one === current ? 1 : 0);
    },
    leaseEpoch: (router, current) => epoch.set({ router }, Number(current)),
    saved: (router) => saves.inc({ router }),
    saveFailed: (router) => saveFailures.inc({ router }),
    drifted: (router, count) => drifted.set({ router }, count),
    driftChecked(router, paths) {
      driftedPaths.set({ router }, paths);
      driftChecks.inc({ router, outcome: paths === 0 ? 'clean' : 'drifted' });
    },
    driftRepaired: (router, count) => driftRepairs.inc({ router }, count),
    reverted: (router) => reverts.inc({ router }),
    repairRefused: (router) => repairs.inc({ router }),
  };
}
