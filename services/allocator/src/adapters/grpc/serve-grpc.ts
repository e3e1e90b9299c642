import { VmService } from '@berth/contracts';
import type { Logger } from '@berth/service-kit';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { repeatedly } from '../repeatedly.ts';
import { type Reflectable, reflectable } from './descriptors.ts';

/** Listed by reflection; more is described than is served. */
const served = ['grpc.health.v1.Health'];
const checkEveryMs = 2_000;

/** The running gRPC server. */
export interface GrpcServer {
  /** host:port. */
  readonly address: string;
  /** Takes no new calls and waits for those in work. */
  stop(): Promise<void>;
}

/**
 * Serves health (of the whole server, the empty name) and reflection, which also describes `berth.allocator.v1`. Healthy is who reaches
 * its database.
 */
export async function serveGrpc(
  options: { readonly host: string; readonly port: number },
  deps: { readonly log: Logger; readonly ping: () => Promise<void> },
): Promise<GrpcServer> {
  const server = new Server();
  const health = new HealthImplementation({ '': 'NOT_SERVING' });
  health.addToServer(server);
  const described = { ...healthDescriptors(), ...reflectable([VmService.file]) };
  new ReflectionService(described, { services: served }).addToServer(server);

  const check = async () => {
    try {
      await deps.ping();
      health.setStatus('', 'SERVING');
    } catch (error) {
      health.setStatus('', 'NOT_SERVING');
      throw error;
    }
  };
  await check();
  const stopChecking = repeatedly(checkEveryMs, deps.log, 'looking after the database', check);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  server.bindAsync(`${host}:${options.port}`, ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  );
  const port = await promise;
  return {
    address: `${host}:${port}`,
    async stop() {
      await stopChecking();
      health.setStatus('', 'NOT_SERVING');
      await new Promise<void>((done) => server.tryShutdown(() => done()));
    },
  };
}

/** The health service's descriptors hang on the messages of its methods. */
const healthDescriptors = (): Reflectable =>
  Object.fromEntries(
    Object.entries(healthService).flatMap(([name, method]) =>
      'requestType' in method ? [[name, method.requestType as Reflectable[string]]] : [],
    ),
  );
