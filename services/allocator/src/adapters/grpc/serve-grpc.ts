import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@berth/service-kit';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Registry } from 'prom-client';
import { CallLimits } from './call-limits.ts';
import { type CallDeps, CallRunner } from './call-runner.ts';
import { type TlsFiles, tlsCredentials } from './credentials.ts';
import { grpcMetrics } from './grpc-metrics.ts';
import { serveHealth } from './serve-health.ts';
import { serveReflection } from './serve-reflection.ts';
import type { ServedMethod, StreamingMethod } from './served-method.ts';

const defaultDeadlineMs = 30_000;
const readTlsFilesEveryMs = 10_000;
/** How long calls in work hold up a stop, and then how long streams that are not ours (health, reflection) may last. */
const stopWithinMs = 5_000;
const othersEndWithinMs = 200;
/** Half of it would hold the largest pool. What has arrived of a message is kept before anybody is asked who sent it: strangers pay nothing for that. */
const mostRequestBytes = 256 * 1_024;
const mostAnswerBytes = 4 * 1_024 * 1_024;

const limits = {
  'grpc.max_receive_message_length': mostRequestBytes,
  'grpc.max_send_message_length': mostAnswerBytes,
  'grpc.max_concurrent_streams': 200, // of one connection
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/** Where to serve, and what tests change. */
export interface GrpcOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** undefined: in the clear. */
  readonly tls: TlsFiles | undefined;
  /** Calls that one principal may begin in a second; 0: any number. */
  readonly callsPerSecond: number;
  readonly defaultDeadlineMs?: number;
  readonly readTlsFilesEveryMs?: number;
}

export interface GrpcDeps extends Pick<CallDeps, 'log' | 'keys' | 'refuseKeptOut' | 'refusals'> {
  readonly metrics: Registry;
  /** Throws when the database does not answer. */
  readonly ping: () => Promise<void>;
  readonly methods: readonly ServedMethod[];
}

/** The running gRPC server. */
export interface GrpcServer {
  /** host:port. */
  readonly address: string;
  /** Takes no new calls, ends streams with UNAVAILABLE, and waits a while for the others in work. */
  stop(): Promise<void>;
}

/**
 * Serves `methods` behind API keys, and for everybody health (of the whole server, the empty name, and of each service) and reflection.
 * Healthy is who reaches its database.
 */
export async function serveGrpc(options: GrpcOptions, deps: GrpcDeps): Promise<GrpcServer> {
  const server = new Server(limits);
  const calls = new CallRunner({
    ...deps,
    metrics: grpcMetrics(deps.metrics),
    limits: new CallLimits(options.callsPerSecond),
    defaultDeadlineMs: options.defaultDeadlineMs ?? defaultDeadlineMs,
  });
  for (const method of deps.methods) register(server, method, calls);
  const services = [...new Set(deps.methods.map(({ desc }) => desc.parent.typeName))];
  const files = [...new Set(deps.methods.map(({ desc }) => desc.parent.file))];
  serveReflection(server, services, files);
  const stopHealth = await serveHealth(server, services, deps);
  const { address, stopTls } = await bind(server, options, deps.log).catch(async (error: unknown) => {
    await stopHealth();
    throw error;
  });
  return {
    address,
    async stop() {
      await Promise.all([stopHealth(), stopTls()]);
      const closed = new Promise<void>((done) => server.tryShutdown(() => done()));
      await endsBy(stopWithinMs, calls.stop());
      await endsBy(othersEndWithinMs, closed);
      server.forceShutdown();
    },
  };
}

/** Messages stay bytes for @grpc/grpc-js: what is wrong with them is answered by us, with details, and only to those who may call. */
function register(server: Server, method: ServedMethod, calls: CallRunner): void {
  const path = `/${method.desc.parent.typeName}/${method.desc.name}`;
  const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const asIs = (bytes: Buffer): Buffer => bytes;
  if (isStreaming(method)) server.register(path, calls.streaming(method), toBuffer, asIs, 'serverStream');
  else server.register(path, calls.unary(method), toBuffer, asIs, 'unary');
}

const isStreaming = (method: ServedMethod): method is StreamingMethod => method.desc.methodKind === 'server_streaming';

async function bind(
  server: Server,
  options: GrpcOptions,
  log: Logger,
): Promise<{ address: string; stopTls: () => Promise<void> }> {
  const everyMs = options.readTlsFilesEveryMs ?? readTlsFilesEveryMs;
  const { credentials, stop: stopTls } = options.tls
    ? await tlsCredentials(options.tls, log, everyMs)
    : { credentials: ServerCredentials.createInsecure(), stop: async () => {} };
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(`${host}:${options.port}`, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  try {
    return { address: `${host}:${await promise}`, stopTls };
  } catch (error) {
    await stopTls();
    throw error;
  }
}

const endsBy = (ms: number, work: Promise<unknown>): Promise<unknown> =>
  Promise.race([work, delay(ms, undefined, { ref: false })]);
