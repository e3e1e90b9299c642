import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import type { World } from './driver-world.ts';

/** The driver as a process of its own, killed after the test. It sends a message when it is ready. */
export function driverProcess(t: TestContext, world: World, env: Readonly<Record<string, string>> = {}): ChildProcess {
  const { config, router } = world;
  const child = spawn(process.execPath, ['services/vyos-driver/src/main.ts'], {
    cwd: new URL('../../../..', import.meta.url),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...process.env,
      BERTH_LOG_LEVEL: 'fatal',
      DATABASE_URL: config.databaseUrl,
      NATS_URL: config.natsUrl,
      BERTH_SUBJECT_PREFIX: config.prefix,
      VYOS_IP: config.router.host,
      VYOS_API_PORT: String(config.router.port),
      VYOS_API_KEY: router.key,
      VYOS_TLS_FINGERPRINT: router.fingerprint,
      ...env,
    },
  });
  t.after(() => void child.kill('SIGKILL'));
  return child;
}
