import { createInterface } from 'node:readline';
import { spawnNode, whenItIsReady } from './child-process.ts';
import type { StateFolder } from './state-folder.ts';
import type { Running } from './supervise.ts';

/** The simulated router's addresses and key, as it prints them. */
export interface Simulator extends Running {
  readonly url: string;
  readonly control: string;
  readonly key: string;
  readonly keyId: string;
  /** SHA-256 of its certificate, in hex. */
  readonly fingerprint: string;
}

export interface SimulatorOptions {
  readonly root: string;
  readonly state: StateFolder;
  /** Taken when free; 0 lets the system choose. */
  readonly port: number;
  readonly controlPort: number;
  /** A preset of its latencies, such as `vyos`. */
  readonly latency?: string | undefined;
  /** The version of VyOS it is, such as `1.4`; absent: that of the run before, else its default. */
  readonly profile?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly endsWithParent: boolean;
}

/** Starts the simulated router; what it was told in earlier runs is in the state folder. */
export async function startSimulator(options: SimulatorOptions, signal: AbortSignal): Promise<Simulator> {
  const logFile = `${options.state.logs}/simulator.log`;
  const { child, running } = spawnNode({
    entry: 'test/vyos-simulator/src/main.ts',
    args: [
      ...['--port', String(options.port), '--control-port', String(options.controlPort)],
      ...['--state', options.state.router, '--json'],
      ...(options.latency === undefined ? [] : ['--latency', options.latency]),
      ...(options.profile === undefined ? [] : ['--profile', options.profile]),
    ],
    cwd: options.root,
    env: options.env,
    logFile,
    talksBy: 'pipe',
    endsWithParent: options.endsWithParent,
  });
  const firstLine = new Promise<string>((resolve) => {
    if (child.stdout !== null) createInterface(child.stdout).on('line', resolve); // later lines are read and dropped
  });
  const line = await whenItIsReady(firstLine, running, { name: 'The simulator', logFile, timeoutMs: 30_000, signal });
  const told = JSON.parse(line) as { url: string; control: string; key: string; key_id: string; fingerprint: string };
  return {
    ...running,
    url: told.url,
    control: told.control,
    key: told.key,
    keyId: told.key_id,
    fingerprint: told.fingerprint,
  };
}
