import { trace } from '@opentelemetry/api';
import { envReader } from '../src/config-reader.ts';
import { ConfigError, runService } from '../src/index.ts';

// A service that does what its settings say, for the tests beside it.
const readConfig = (env: NodeJS.ProcessEnv) => {
  const read = envReader(env);
  return read.finish({
    mode: read.text('TINY_MODE', { fallback: 'plain' }),
    size: read.integer('TINY_SIZE', { min: 1, max: 9, fallback: 1 }),
    url: read.url('TINY_URL', { fallback: 'http://x' }),
  });
};

const modes: Record<string, () => void | Promise<void>> = {
  'fails at start': () => {
    throw new Error('no luck');
  },
  'refuses its settings': () => {
    throw new ConfigError(['TINY_MODE does not go with the database']);
  },
  'never starts': () => Promise.withResolvers<void>().promise,
  'fails later': () => {
    setTimeout(() => {
      throw new Error('later');
    }, 50);
  },
  'rejects later': () => {
    setTimeout(() => void Promise.reject(new Error('nobody caught me')), 50);
  },
};

await runService('tiny', readConfig, async ({ mode }, { log, onStop, readyWhen, announce, metrics }) => {
  metrics.getSingleMetric('process_cpu_user_seconds_total');
  let held = mode !== 'ready late';
  process.on('message', (message) => {
    if (message === 'hold') held = true;
    if (message === 'let go') held = false;
    if (message === 'modules') process.send?.({ type: 'modules', sdk: isSdkLoaded() });
  });
  readyWhen('held', () => {
    if (!held) throw new Error('not held');
  });
  onStop(() => log.info('first registered is stopped last'));
  onStop(() => {
    if (mode === 'stop fails') throw new Error('stop failed');
  });
  onStop(() => {
    if (mode === 'stops for ever') return Promise.withResolvers<void>().promise;
    return new Promise((resolve) => setTimeout(resolve, 20));
  });
  onStop(() => log.info('last registered is stopped first'));
  announce({ api: 'http://127.0.0.1:1' });
  await modes[mode]?.();
  trace.getTracer('tiny').startActiveSpan('tiny work', (span) => {
    log.info('inside a span');
    span.end();
  });
});

function isSdkLoaded(): boolean {
  const { createRequire } = process.getBuiltinModule('node:module');
  return Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('@opentelemetry/sdk'));
}
