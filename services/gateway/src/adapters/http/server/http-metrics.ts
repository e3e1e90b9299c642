import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { App } from '../app-types.ts';

/** What the gateway counts. */
export interface GatewayMetrics {
  /** Rate, errors and duration per route template. */
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  readonly keyLookups: Counter<'result'>;
}

export function gatewayMetrics(registry: Registry, state: { waiting: () => number }): GatewayMetrics {
  new Gauge({
    name: 'berth_gateway_operations_waiting',
    help: 'Operations whose end some request waits for.',
    registers: [registry],
    collect() {
      this.set(state.waiting());
    },
  });
  return {
    requests: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of HTTP requests by route template.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
      registers: [registry],
    }),
    keyLookups: new Counter({
      name: 'berth_gateway_key_cache_lookups_total',
      help: 'API keys looked up, by whether the cache knew them.',
      labelNames: ['result'],
      registers: [registry],
    }),
  };
}

/** Measures each request. Addresses that are no route count as one, so that nobody can make labels. */
export function measureRequests(app: App, metrics: GatewayMetrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const seconds = (performance.now() - request.scope.startedAt) / 1_000;
    metrics.requests.observe({ method: request.method, route, status: reply.statusCode }, seconds);
    done();
  });
}
