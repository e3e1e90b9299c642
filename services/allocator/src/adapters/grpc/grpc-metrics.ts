import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What is counted of calls. */
export interface GrpcMetrics {
  readonly handled: Counter<'service' | 'method' | 'code'>;
  readonly seconds: Histogram<'service' | 'method'>;
  readonly streams: Gauge<'service' | 'method'>;
}

export function grpcMetrics(registry: Registry): GrpcMetrics {
  const registers = [registry];
  return {
    handled: new Counter({
      name: 'berth_grpc_server_handled_total',
      help: 'gRPC calls that ended, by status code.',
      labelNames: ['service', 'method', 'code'],
      registers,
    }),
    seconds: new Histogram({
      name: 'berth_grpc_server_seconds',
      help: 'Duration of gRPC calls with one answer.',
      labelNames: ['service', 'method'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    streams: new Gauge({
      name: 'berth_grpc_server_streams',
      help: 'gRPC streams that are open.',
      labelNames: ['service', 'method'],
      registers,
    }),
  };
}
