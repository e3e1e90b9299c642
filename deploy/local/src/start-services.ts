import { type ServiceName, type Surroundings, serviceEnvironment } from './service-plan.ts';
import { type ServiceProcess, startService } from './service-process.ts';
import type { StopOrder } from './stop-order.ts';
import { type Supervised, supervise } from './supervise.ts';

export interface ServicesContext {
  readonly root: string;
  readonly logs: string;
  readonly around: Surroundings;
  readonly entries: Readonly<Record<ServiceName, string>>;
  /** The environment of all services, before their own settings. */
  readonly env: NodeJS.ProcessEnv;
  /** Settings that have the last word, by service. */
  readonly serviceEnv: Partial<Record<ServiceName, Readonly<Record<string, string>>>>;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  readonly onService: (name: string, service: ServiceProcess) => void;
}

/** Starts `replicas` of each service and keeps them running. The gateways stop first. */
export async function startServices(
  given: ServicesContext,
  stops: StopOrder,
  options: { readonly replicas: number; readonly port: number; readonly grpcPort: number },
): Promise<{ gateway: ServiceProcess; allocator: ServiceProcess }> {
  const giveUp = new AbortController();
  const context = { ...given, signal: AbortSignal.any([given.signal, giveUp.signal]) };
  const replicas = Array.from({ length: options.replicas }, (_, index) => index + 1);
  const behind: StopStep = [];
  const front: StopStep = [];
  stops.nextStep();
  stops.add(() => stopAll(behind));
  stops.nextStep();
  stops.add(() => stopAll(front));

  const start = async (step: StopStep, name: ServiceName, replica: number, port: number) => {
    const service = await startReplica(context, name, replica, port);
    step.push(service);
    return service.current();
  };
  /** The first gateway takes the port (a free one when 0 is asked for), the others share it. */
  const gateways = async () => {
    const first = await start(front, 'gateway', 1, options.port);
    const port = portOf(first);
    await Promise.all(replicas.slice(1).map((replica) => start(front, 'gateway', replica, port)));
    return first;
  };
  // All at once: each waits for what it needs by itself, as it must after a crash. When one fails the others are broken
  // off, and all are waited for, so that none comes up after everything else was stopped.
  const others = replicas.flatMap((replica) => [
    start(behind, 'auth', replica, 0),
    start(behind, 'vyos-driver', replica, 0),
    ...(replica === 1 ? [] : [start(behind, 'allocator', replica, 0)]),
  ]);
  const firstAllocator = start(behind, 'allocator', 1, options.grpcPort);
  const firstGateway = gateways();
  const all = [...others, firstAllocator, firstGateway];
  try {
    await Promise.all(all);
  } catch (error) {
    giveUp.abort();
    await Promise.allSettled(all);
    throw error;
  }
  return { gateway: await firstGateway, allocator: await firstAllocator };
}

type StopStep = Supervised<ServiceProcess>[];

async function stopAll(services: StopStep): Promise<void> {
  await Promise.all(services.map((service) => service.stop()));
}

function startReplica(context: ServicesContext, name: ServiceName, replica: number, port: number) {
  const fullName = `${name}-${replica}`;
  return supervise<ServiceProcess>({
    name: fullName,
    say: context.say,
    signal: context.signal,
    start: (previous, signal) => {
      const lastPort = previous === undefined ? port : portOf(previous);
      return startService(
        {
          name: fullName,
          entry: context.entries[name],
          root: context.root,
          logFile: `${context.logs}/${fullName}.log`,
          env: { ...serviceEnvironment(name, context.env, context.around, lastPort), ...context.serviceEnv[name] },
        },
        signal,
      );
    },
    onStart: (service) => context.onService(fullName, service),
  });
}

/** The port that a service told for its clients; 0 when it has none. One that comes back has to be found there. */
function portOf(service: ServiceProcess): number {
  if (service.api !== undefined) return Number(new URL(service.api).port);
  return Number(service.grpc?.split(':').at(-1) ?? 0);
}
