import { join } from 'node:path';
import { type CommandLine, portSetting, readCommandLine, UsageError, usage } from './arguments.ts';
import { jsonReport, textReport } from './report.ts';
import { AlreadyRunningError } from './run-lock.ts';
import { readRunState } from './run-state.ts';
import { type StartOptions, startSystem } from './start-system.ts';
import { stateLayout } from './state-folder.ts';

const defaultStateFolder = join(import.meta.dirname, '../../../.berth');

/** Runs `up` until it is told to stop, and answers the exit code. `overrides` are for starting something else than Berth. */
export async function upCommand(args: readonly string[], overrides: Partial<StartOptions> = {}): Promise<number> {
  try {
    await up(readCommandLine(args, defaultStateFolder), overrides);
    return 0;
  } catch (error) {
    console.error(explain(error));
    return 1;
  }
}

async function up(commandLine: CommandLine, overrides: Partial<StartOptions>): Promise<void> {
  const { json, stateFolder, replicas, help } = commandLine;
  if (help) return console.log(usage);
  const say = json ? console.error : console.log; // with --json, standard output has one line only
  const asked = stopAsked();
  const interruption = new AbortController();
  const starting = startSystem({
    ...fromEnvironment(),
    stateFolder,
    replicas,
    say,
    signal: interruption.signal,
    endsWithProcess: false,
    ...overrides,
  });
  const system = await Promise.race([starting, asked.then(() => undefined)]);
  if (system === undefined) {
    say('Stopping.');
    interruption.abort();
    await starting.then(
      (started) => started.stop(),
      () => {},
    ); // it may have been ready at the same moment
    return say('Stopped.');
  }
  console.log(json ? jsonReport(system) : textReport(system, stateLayout(stateFolder)));
  const signal = await asked;
  say(`${signal === 'SIGINT' ? '\n' : ''}Stopping.`);
  await system.stop();
  say('Stopped.');
}

function fromEnvironment(): Omit<StartOptions, 'stateFolder'> {
  return {
    port: portSetting('PORT'),
    grpcPort: portSetting('GRPC_PORT'),
    host: process.env['HOST'] || undefined,
    databaseUrl: process.env['DATABASE_URL'] || undefined,
    natsUrl: process.env['NATS_URL'] || undefined,
    subjectPrefix: process.env['BERTH_SUBJECT_PREFIX'] || undefined,
    simulator: !process.env['VYOS_IP'],
    simulatorLatency: process.env['BERTH_SIMULATOR_LATENCY'] || undefined,
    simulatorProfile: process.env['BERTH_SIMULATOR_PROFILE'] || undefined,
  };
}

/** Listens from the start, and to every repetition: a terminal and npm both pass on one Ctrl-C. */
function stopAsked(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  });
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`;
  if (error instanceof AlreadyRunningError) {
    const api = readRunState(error.stateFolder)?.api;
    const where = api === undefined || api === null ? 'It is still starting.' : `It answers at ${api}.`;
    return `${error.message} ${where}\nStop it with "npm run down", or start another one with --state <folder> and PORT.`;
  }
  return error instanceof Error ? error.message : String(error);
}
