import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ConfigError, envReader } from './config-reader.ts';
import { type ReadinessCheck, readiness, startHealthServer } from './health-server.ts';
import { createLogger, type Logger } from './logger.ts';
import { StopList } from './stop-list.ts';
import { startTracing } from './tracing.ts';

/** What a service's set-up gets. */
export interface ServiceContext {
  readonly log: Logger;
  readonly metrics: Registry;
  /** Runs at stop, the last registered first; each is awaited before the next. */
  onStop(stop: () => Promise<unknown> | unknown): void;
  /** A condition of `/readyz`. */
  readyWhen(name: string, check: ReadinessCheck): void;
  /** Addresses to tell whoever started the process, e.g. `{ api: 'http://127.0.0.1:8800' }`. */
  announce(addresses: Record<string, string>): void;
  /** Ends the process with an error after an ordered stop: for failures that a restart may mend. */
  fail(error: unknown): void;
}

/** Settings that every service has. */
export interface ServiceSettings {
  /** Port of `/livez`, `/readyz` and `/metrics`; 0 lets the system choose. */
  readonly healthPort: number;
  readonly healthHost: string;
  readonly logLevel: string;
  /** How long a stop may take before the process ends anyway, in milliseconds. */
  readonly stopTimeoutMs: number;
}

export function readServiceSettings(env: NodeJS.ProcessEnv): ServiceSettings {
  const read = envReader(env);
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    read.reject(
      'NODE_TLS_REJECT_UNAUTHORIZED is 0: certificates would not be verified. Unset it, and give CA files or fingerprints',
    );
  }
  return read.finish({
    healthPort: read.integer('HEALTH_PORT', { min: 0, max: 65_535, fallback: 0 }),
    healthHost: read.text('HEALTH_HOST', { fallback: '127.0.0.1' }),
    logLevel: read.text('BERTH_LOG_LEVEL', {
      fallback: 'info',
      pattern: /^(trace|debug|info|warn|error|fatal)$/,
      hint: 'trace, debug, info, warn, error or fatal',
    }),
    stopTimeoutMs: read.integer('BERTH_STOP_TIMEOUT_MS', { min: 1, fallback: 10_000 }),
  });
}

/** EX_CONFIG of sysexits.h: a restart does not help. */
const configExitCode = 78;
const flushMs = 1_000;
const readyCheckEveryMs = 100;

/**
 * Runs a service until SIGTERM or SIGINT: reads its settings (one message naming all that is wrong, exit code 78), starts
 * tracing, logging, metrics and health, runs `setup`, waits until all conditions of readiness hold, says that it is ready (over the
 * IPC channel to the parent, if there is one: `{ type: 'ready', name, url, … }`), and stops in the reverse order of the set-up. Exit
 * code 0 after an ordered stop, 1 after a failure or a stop that took too long, 78 when `setup` throws a ConfigError.
 */
export async function runService<Config>(
  name: string,
  readConfig: (env: NodeJS.ProcessEnv) => Config,
  setup: (config: Config, context: ServiceContext) => Promise<void>,
): Promise<void> {
  const { settings, config } = readSettingsOrExit(name, readConfig);
  const log = createLogger(name, settings.logLevel);
  const { promise: ended, resolve: end } = Promise.withResolvers<{ code: number; why: string }>();
  const stops = new StopList(log);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => end({ code: 0, why: signal })); // not once: a second Ctrl-C must not cut the ordered stop short
  }
  process.once('disconnect', () => end({ code: 0, why: 'parent is gone' }));
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'service failed');
    if (error instanceof ConfigError) process.stderr.write(`${name}: ${error.message}\n`);
    end({ code: error instanceof ConfigError ? configExitCode : 1, why: 'failure' });
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const starting = start({ name, settings, log, stops, fail, ended }, (context) => setup(config, context)).catch(fail);
  await Promise.race([starting, ended]);
  const { code, why } = await ended;
  log.info({ why }, 'service stopping');
  const late = setTimeout(() => {
    log.fatal('stop took too long');
    process.exit(1);
  }, settings.stopTimeoutMs);
  await stops.run();
  clearTimeout(late);
  log.info('service stopped');
  await flushed(log);
  process.exit(code);
}

/** Until the log's lines are written: an exit in between would write the last ones before those that are on their way. */
async function flushed(log: Logger): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  log.flush(() => resolve());
  await Promise.race([promise, setTimeoutPromise(flushMs)]);
}

function readSettingsOrExit<Config>(
  name: string,
  readConfig: (env: NodeJS.ProcessEnv) => Config,
): { settings: ServiceSettings; config: Config } {
  const problems: string[] = [];
  const attempt = <T>(read: (env: NodeJS.ProcessEnv) => T): T | undefined => {
    try {
      return read(process.env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const settings = attempt(readServiceSettings);
  const config = attempt(readConfig);
  if (settings === undefined || config === undefined) {
    process.stderr.write(`${name}: ${new ConfigError(problems).message}\n`);
    process.exit(configExitCode);
  }
  return { settings, config };
}

interface Start {
  readonly name: string;
  readonly settings: ServiceSettings;
  readonly log: Logger;
  readonly stops: StopList;
  readonly fail: (error: unknown) => void;
  readonly ended: Promise<unknown>;
}

/** From nothing to ready. Says nothing of readiness once the service is ending. */
async function start(
  { name, settings, log, stops, fail, ended }: Start,
  setup: (context: ServiceContext) => Promise<void>,
): Promise<void> {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  metrics.setDefaultLabels({ service: name });
  const checks = new Map<string, ReadinessCheck>();
  const addresses: Record<string, string> = {};
  let state: 'starting' | 'started' | 'stopping' = 'starting';
  void ended.then(() => {
    state = 'stopping';
  });
  checks.set('running', () => {
    if (state !== 'started') throw new Error(state);
  });

  stops.push(await startTracing(name, process.env));
  const health = await startHealthServer({ host: settings.healthHost, port: settings.healthPort, metrics, checks });
  stops.push(() => health.close());
  await setup({
    log,
    metrics,
    onStop: (stop) => stops.push(stop),
    readyWhen: (check, holds) => checks.set(check, holds),
    announce: (more) => Object.assign(addresses, more),
    fail,
  });
  if (isEnding(state)) return;
  state = 'started';
  while (!(await readiness(checks)).ready) {
    if (isEnding(state)) return;
    await setTimeoutPromise(readyCheckEveryMs);
  }
  log.info({ url: health.url, ...addresses }, 'service ready');
  process.send?.({ type: 'ready', name, url: health.url, ...addresses });
}

/** Asked through a function, because the compiler does not see that the state changes behind an await. */
const isEnding = (state: string): boolean => state === 'stopping';
