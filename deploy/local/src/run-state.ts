import { endLeftoverPostgres, endProcess, type ProcessIdentity, processIdentity } from '@berth/local-servers';
import { postgresFolder, readWhole, stateLayout, writeWhole } from './state-folder.ts';

/** One process of a running system, as `run.json` lists it. */
export interface RunningProcess extends ProcessIdentity {
  readonly name: string;
}

/** A service process and the address of its health pages. */
export interface ServiceProcessState extends RunningProcess {
  readonly url: string;
}

/** The content of `run.json` in the state folder: what runs now, with current pids. Mode 600. */
export interface RunState {
  readonly pid: number;
  readonly ready: boolean;
  readonly api: string | null;
  readonly grpc: string | null;
  readonly router: { readonly url: string; readonly key: string; readonly control: string } | null;
  readonly logs: string;
  readonly services: readonly ServiceProcessState[];
  /** The simulator, NATS and Postgres, as far as this system started them. */
  readonly servers: readonly RunningProcess[];
}

/** What `run.json` in this state folder says; undefined when there is none. Whether it still lives is another question. */
export function readRunState(stateFolder: string): RunState | undefined {
  return readWhole<RunState | undefined>(stateLayout(stateFolder).runFile, undefined);
}

export function writeRunState(runFile: string, state: RunState): void {
  writeWhole(runFile, state);
}

/** The process under this pid with what tells it from a later one; undefined when it has ended already. */
export function runningProcess(name: string, pid: number): RunningProcess | undefined {
  const identity = processIdentity(pid);
  return identity === undefined ? undefined : { name, ...identity };
}

/**
 * Ends what a killed run left behind, in the order of an orderly stop: services, the simulator and NATS by `run.json`,
 * Postgres by its own pid file. Answers the names of what it ended.
 */
export async function endLeftovers(stateFolder: string): Promise<string[]> {
  const ended: string[] = [];
  const left = readRunState(stateFolder);
  const endAll = (processes: readonly RunningProcess[]) =>
    Promise.all(
      processes.map(async (process) => {
        if (processIdentity(process.pid)?.startedAt !== process.startedAt) return;
        await endProcess(process, 'SIGTERM', 12_000);
        ended.push(process.name);
      }),
    );
  if (left !== undefined) {
    await endAll(left.services);
    await endAll(left.servers.filter((server) => server.name !== 'postgres'));
  }
  const postgres = await endLeftoverPostgres(`${postgresFolder(stateLayout(stateFolder).path)}/data`);
  if (postgres !== undefined) ended.push('postgres');
  return ended;
}
