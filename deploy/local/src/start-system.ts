import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isPortFree } from '@berth/local-servers';
import { takeLock } from './run-lock.ts';
import { endLeftovers, type RunState, runningProcess, type ServiceProcessState, writeRunState } from './run-state.ts';
import { type ServiceName, type Surroundings, serviceEntries } from './service-plan.ts';
import { type ServersContext, startBus, startDatabase, startRouter } from './start-servers.ts';
import { startServices } from './start-services.ts';
import { openStateFolder, readWhole, type StateFolder, stateLayout, writeText, writeWhole } from './state-folder.ts';
import { StopOrder } from './stop-order.ts';

export interface StartOptions {
  /** Everything that outlives the system. One system at a time may use it. */
  readonly stateFolder: string;
  /** The gateway's; 0 lets the system choose. Default 8800. */
  readonly port?: number | undefined;
  /** The gateway listens here. Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** The allocator's gRPC port; default 0, the system chooses. */
  readonly grpcPort?: number | undefined;
  /** Of each service. Default 1. */
  readonly replicas?: number | undefined;
  /** Default: an own Postgres in the state folder. */
  readonly databaseUrl?: string | undefined;
  /** Default: an own NATS server with its store in the state folder. */
  readonly natsUrl?: string | undefined;
  /** Default `berth`. */
  readonly subjectPrefix?: string | undefined;
  /** False: the router of `env` (VYOS_IP …) is used instead of a simulated one. Default true. */
  readonly simulator?: boolean | undefined;
  /** A preset of the simulator's latencies. */
  readonly simulatorLatency?: string | undefined;
  /** The version of VyOS that the simulator is, such as `1.4`. */
  readonly simulatorProfile?: string | undefined;
  /** More settings for all services. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** More settings for one service; they have the last word. */
  readonly serviceEnv?: Partial<Record<ServiceName, Readonly<Record<string, string>>>> | undefined;
  /** Other programs in the place of the services, from the repository's root. */
  readonly entries?: Readonly<Record<ServiceName, string>> | undefined;
  /**
   * The servers and the simulator end when this process does, however that ends; services always do. Default true. False: a
   * killed process leaves Postgres to finish what it does, and the next start with this state ends it.
   */
  readonly endsWithProcess?: boolean | undefined;
  /** Breaks the start off; what was started is stopped. Has no effect on a running system. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what happens meanwhile, in sentences. Default: nobody is told. */
  readonly say?: ((text: string) => void) | undefined;
}

/** A system whose services are all ready. */
export interface RunningSystem {
  /** The gateway's address. */
  readonly api: string;
  /** Empty when this state never knew it: another state's first start made it in the same database. */
  readonly adminApiKey: string;
  /** True when this start made the key. */
  readonly adminApiKeyIsNew: boolean;
  /** The first admin user's password, when this start made it; empty afterwards. */
  readonly newAdminPassword: string;
  /** The allocator's gRPC address, host:port. */
  readonly grpc: string;
  /** Where events are told: the server without its credentials, the file that has the address with them, and what its subjects begin with. */
  readonly nats: { readonly server: string; readonly urlFile: string; readonly subjectPrefix: string };
  /** The simulated router; null when there is a real one. */
  readonly router: { readonly url: string; readonly key: string; readonly control: string } | null;
  /** As they are now: a service that was restarted has another pid. */
  readonly services: readonly ServiceProcessState[];
  readonly logs: string;
  /** Stops everything in order: gateways, the other services, the simulator and the servers. May be called again. */
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../../..');

/**
 * Starts a whole system and waits until every service is ready. Fails with AlreadyRunningError, with a sentence about a
 * port in use, or with the log of what did not start; nothing is left running then.
 */
export async function startSystem(options: StartOptions): Promise<RunningSystem> {
  const say = options.say ?? (() => {});
  const state = openStateFolder(options.stateFolder);
  const stops = new StopOrder();
  const release = takeLock(state.lockFile);
  stops.add(async () => {
    rmSync(state.runFile, { force: true });
    release();
  });
  try {
    return await startLocked(options, state, stops, say);
  } catch (error) {
    await stops.stop();
    throw error;
  }
}

async function startLocked(
  options: StartOptions,
  state: StateFolder,
  stops: StopOrder,
  say: (text: string) => void,
): Promise<RunningSystem> {
  const leftovers = await endLeftovers(state.path);
  if (leftovers.length > 0) say(`A run that was killed had left these behind; ended: ${leftovers.join(', ')}.`);
  const [host, port] = [options.host ?? '127.0.0.1', options.port ?? 8800];
  await refuseTakenPort('PORT', port, host);
  await refuseTakenPort('GRPC_PORT', options.grpcPort ?? 0, '127.0.0.1');
  if (!state.postgres.startsWith(state.path) && options.databaseUrl === undefined) {
    say(`Postgres may not enter ${state.path}; its data is in ${state.postgres}.`);
  }

  const keyExisted = existsSync(state.adminKeyFile);
  const passwordExisted = existsSync(state.adminPasswordFile);
  const run = trackRun(state);
  const { portsFile } = stateLayout(state.path);
  const signal = options.signal ?? new AbortController().signal;
  const servers: ServersContext = {
    state,
    signal,
    endsWithParent: options.endsWithProcess ?? true,
    stops,
    say,
    ports: readWhole<Record<string, number>>(portsFile, {}),
    onServer: run.onServer,
  };
  const env = { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'), ...options.env };
  stops.nextStep();
  const databaseUrls = await startDatabase(servers, options.databaseUrl);
  stops.nextStep();
  signal.throwIfAborted();
  const natsUrl = await startBus(servers, options.natsUrl);
  writeText(state.natsUrlFile, `${natsUrl}\n`);
  stops.nextStep();
  const simulator =
    options.simulator === false
      ? undefined
      : await startRouter(servers, { root, latency: options.simulatorLatency, profile: options.simulatorProfile, env });

  const replicas = options.replicas ?? 1;
  const around: Surroundings = {
    databaseUrls,
    natsUrl,
    simulator,
    host,
    publicUrl: port === 0 ? undefined : urlOf(host, port),
    subjectPrefix: options.subjectPrefix ?? 'berth',
    adminKeyFile: state.adminKeyFile,
    adminPasswordFile: state.adminPasswordFile,
    encryptionKeyFile: state.encryptionKeyFile,
    mailFolder: state.mailFolder,
    sharesPort: replicas > 1,
  };
  const { gateway, allocator } = await startServices(
    {
      ...{ root, logs: state.logs, around, env, say, signal },
      entries: options.entries ?? serviceEntries,
      serviceEnv: options.serviceEnv ?? {},
      onService: (name, { pid, url }) => run.onService(name, pid, url),
    },
    stops,
    { replicas, port, grpcPort: options.grpcPort ?? (await lastPort(servers.ports['grpc'])) },
  );
  servers.ports['grpc'] = Number(allocator.grpc?.split(':').at(-1));
  const addresses = {
    api: gateway.api ?? gateway.url,
    grpc: allocator.grpc ?? '',
    router: simulator === undefined ? null : { url: simulator.url, key: simulator.key, control: simulator.control },
  };
  run.onReady(addresses);
  writeWhole(portsFile, servers.ports);
  return {
    ...addresses,
    nats: { server: withoutCredentials(natsUrl), urlFile: state.natsUrlFile, subjectPrefix: around.subjectPrefix },
    adminApiKey: textOf(state.adminKeyFile),
    adminApiKeyIsNew: !keyExisted && existsSync(state.adminKeyFile),
    newAdminPassword: passwordExisted ? '' : textOf(state.adminPasswordFile),
    get services() {
      return run.state().services;
    },
    logs: state.logs,
    stop: () => stops.stop(),
  };
}

/** Empty when there is no such file. */
const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');

const withoutCredentials = (url: string): string => url.replaceAll(/\/\/[^@,]*@/g, '//');

/** Where this machine reaches what listens there. */
function urlOf(host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

/** 0 where it is not free any more: the service takes a port itself, since one chosen here could be another's by then. */
const lastPort = async (port = 0): Promise<number> => ((await isPortFree(port)) ? port : 0);

async function refuseTakenPort(setting: string, port: number, host: string): Promise<void> {
  if (await isPortFree(port, host)) return;
  if (!(await isPortFree(0, host))) throw new Error('HOST has to be an address or a name of this machine.');
  throw new Error(`Port ${port} on ${host} is in use. Choose another one, for example ${setting}=${port + 1}.`);
}

/** Keeps `run.json` true while processes come and go. */
function trackRun(state: StateFolder) {
  let run: RunState = {
    ...{ pid: process.pid, ready: false, api: null, grpc: null, router: null, logs: state.logs },
    ...{ services: [], servers: [] },
  };
  const update = (change: Partial<RunState>) => {
    run = { ...run, ...change };
    writeRunState(state.runFile, run);
  };
  update({});
  const others = <P extends { name: string }>(list: readonly P[], name: string) =>
    list.filter((one) => one.name !== name);
  return {
    state: () => run,
    onReady: (addresses: Pick<RunState, 'api' | 'grpc' | 'router'>) => update({ ...addresses, ready: true }),
    onServer(name: string, pid: number) {
      const server = runningProcess(name, pid);
      if (server !== undefined) update({ servers: [...others(run.servers, name), server] });
    },
    onService(name: string, pid: number, url: string) {
      const service = runningProcess(name, pid);
      if (service === undefined) return; // it has ended already and will be started again
      const services = [...others(run.services, name), { ...service, url }];
      update({ services: services.sort((a, b) => a.name.localeCompare(b.name)) });
    },
  };
}
