import { choosePort, type NatsServer, type PostgresServer, startNats, startPostgres } from '@berth/local-servers';
import { prepareGivenDatabase, prepareOwnDatabase, type Schema } from './prepare-database.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from './simulator-process.ts';
import type { StateFolder } from './state-folder.ts';
import type { StopOrder } from './stop-order.ts';
import { type Running, supervise } from './supervise.ts';

export interface ServersContext {
  readonly state: StateFolder;
  readonly stops: StopOrder;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  /** The servers end with this process, however that ends. */
  readonly endsWithParent: boolean;
  readonly onServer: (name: string, pid: number) => void;
  /** Ports of the run before, by name; changed by what is started. */
  readonly ports: Record<string, number>;
}

/** The given database, or an own Postgres; either way ready for the services. */
export async function startDatabase(
  context: ServersContext,
  databaseUrl: string | undefined,
): Promise<Record<Schema, string>> {
  const { state, endsWithParent } = context;
  if (databaseUrl !== undefined) return prepareGivenDatabase(databaseUrl);
  const server = await supervised(context, 'postgres', async (port) =>
    asRunning(
      await startPostgres({
        folder: state.postgres,
        password: state.secrets.postgres,
        port,
        logFile: `${state.logs}/postgres.log`,
        endsWithParent,
      }),
    ),
  );
  return prepareOwnDatabase(server.url, state.secrets.roles);
}

/** The given NATS server's URL, or that of an own one. */
export async function startBus(context: ServersContext, natsUrl: string | undefined): Promise<string> {
  const { state, endsWithParent } = context;
  if (natsUrl !== undefined) return natsUrl;
  const server = await supervised(context, 'nats', async (port) =>
    asRunning(
      await startNats({
        folder: state.nats,
        user: 'berth',
        password: state.secrets.nats,
        port,
        logFile: `${state.logs}/nats.log`,
        endsWithParent,
      }),
    ),
  );
  return server.url;
}

/** The simulated router, at the address it had in the run before where that is free. */
export async function startRouter(
  context: ServersContext,
  options: Pick<SimulatorOptions, 'root' | 'latency' | 'profile' | 'env'>,
): Promise<Simulator> {
  const { ports, state, endsWithParent } = context;
  const controlPort = await choosePort(ports['control']);
  const simulator = await supervised(context, 'simulator', async (port, signal) => {
    const started = await startSimulator({ ...options, state, endsWithParent, port, controlPort }, signal);
    return { ...started, port };
  });
  ports['control'] = controlPort;
  return simulator;
}

/** Keeps one server running on one port. Restarts must have the same port: its clients know no other. */
async function supervised<R extends Running & { readonly port: number }>(
  context: ServersContext,
  name: string,
  start: (port: number, signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const { ports } = context;
  const server = await supervise<R>({
    name,
    say: context.say,
    signal: context.signal,
    start: async (previous, signal) => {
      const running = await start(previous?.port ?? (await choosePort(ports[name])), signal);
      if (previous === undefined || running.port === previous.port) return running;
      await running.stop();
      throw new Error(`port ${previous.port} was taken meanwhile`);
    },
    onStart: (running) => context.onServer(name, running.pid),
  });
  context.stops.add(() => server.stop());
  ports[name] = server.current().port;
  return server.current();
}

function asRunning(server: PostgresServer | NatsServer): Running & { url: string; port: number } {
  const { url, port, pid } = server;
  const exited = server.exited.then((code) => (code === null ? 'a signal' : `exit code ${code}`));
  return { url, port, pid, exited, stop: () => server.stop() };
}
