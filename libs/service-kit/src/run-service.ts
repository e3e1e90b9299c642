import { collectDefaultMetrics, Registry } from 'prom-client';
import { ConfigError, envReader } from './config-reader.ts';
import { type ReadinessCheck, startHealthServer } from './health-server.ts';
import { createLogger, type Logger } from './logger.ts';
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

/**
 * Runs a service until SIGTERM or SIGINT: reads its settings (one message naming all that is wrong, exit code 78), starts
 * tracing, logging, metrics and health, runs `setup`, says that it is ready (over the IPC channel to the parent, if there is
 * one: `{ type: 'ready', name, url, … }`), and stops in the reverse order of the set-up.
 */
export async function runService<Config>(
  name: string,
  readConfig: (env: NodeJS.ProcessEnv) => Config,
  setup: (config: Config, context: ServiceContext) => Promise<void>,
): Promise<void> {
  let settings: ServiceSettings;
  let config: Config;
  try {
    settings = readServiceSettings(process.env);
    config = readConfig(process.env);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof ConfigError ? error.message : String(error)}\n`);
    process.exit(configExitCode);
  }
  const log = createLogger(name, settings.logLevel);
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  metrics.setDefaultLabels({ service: name });
  const stops: (() => Promise<unknown> | unknown)[] = [];
  const checks = new Map<string, ReadinessCheck>();
  const addresses: Record<string, string> = {};

  const { promise: ended, resolve: end } = Promise.withResolvers<{ code: number; why: string }>();
  process.once('SIGTERM', () => end({ code: 0, why: 'SIGTERM' }));
  process.once('SIGINT', () => end({ code: 0, why: 'SIGINT' }));
  process.once('disconnect', () => end({ code: 0, why: 'parent is gone' }));
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'service failed');
    end({ code: error instanceof ConfigError ? configExitCode : 1, why: 'failure' });
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  try {
    const stopTracing = await startTracing(name, process.env);
    stops.push(stopTracing);
    const health = await startHealthServer({ host: settings.healthHost, port: settings.healthPort, metrics, checks });
    stops.push(() => health.close());
    let started = false;
    checks.set('start', () => {
      if (!started) throw new Error('still starting');
    });
    await Promise.race([
      setup(config, {
        log,
        metrics,
        onStop: (stop) => stops.push(stop),
        readyWhen: (check, holds) => checks.set(check, holds),
        announce: (more) => Object.assign(addresses, more),
        fail,
      }),
      ended,
    ]);
    started = true;
    log.info({ url: health.url, ...addresses }, 'service ready');
    process.send?.({ type: 'ready', name, url: health.url, ...addresses });
  } catch (error) {
    if (error instanceof ConfigError) process.stderr.write(`${name}: ${error.message}\n`);
    fail(error);
  }

  const { code, why } = await ended;
  log.info({ why }, 'service stopping');
  const late = setTimeout(() => {
    log.error('stop took too long');
    process.exit(1);
  }, settings.stopTimeoutMs);
  for (const stop of stops.reverse()) {
    try {
      await stop();
    } catch (error) {
      log.error({ err: error }, 'stopping a part failed');
    }
  }
  clearTimeout(late);
  log.info('service stopped');
  log.flush();
  process.exit(code);
}
