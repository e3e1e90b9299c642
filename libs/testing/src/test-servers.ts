import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { startNats, startPostgres } from '@berth/local-servers';
import { newTemporaryFolder } from './test-scope.ts';

/** A started server of the test run. */
export interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Both servers of a test run. */
export interface TestServers {
  readonly postgresUrl: string;
  readonly natsUrl: string;
  /** In words, for the run's first line. */
  readonly description: string;
  stop(): Promise<void>;
}

let postgres: Promise<TestServer> | undefined;
let nats: Promise<TestServer> | undefined;

/** The test run's Postgres: that of BERTH_TEST_POSTGRES_URL, or one started for this process and ended with it. */
export async function testPostgres(): Promise<{ url: string }> {
  const given = process.env['BERTH_TEST_POSTGRES_URL'];
  if (given) return { url: given };
  postgres ??= startTestPostgres();
  return { url: (await postgres).url };
}

/** The test run's NATS: that of BERTH_TEST_NATS_URL, or one started for this process and ended with it. */
export async function testNats(): Promise<{ url: string }> {
  const given = process.env['BERTH_TEST_NATS_URL'];
  if (given) return { url: given };
  nats ??= startTestNats();
  return { url: (await nats).url };
}

/** Starts both for a whole test run. The caller stops them; they end with this process in any case. */
export async function startTestServers(): Promise<TestServers> {
  const [database, bus] = await Promise.all([startTestPostgres(), startTestNats()]);
  return {
    postgresUrl: database.url,
    natsUrl: bus.url,
    description: 'local Postgres and NATS',
    async stop() {
      await Promise.all([database.stop(), bus.stop()]);
    },
  };
}

async function startTestPostgres(): Promise<TestServer> {
  const folder = newTemporaryFolder('postgres');
  const password = randomBytes(12).toString('hex');
  const server = await startPostgres({ folder, password, durable: false, maxConnections: 300, temporary: true });
  return { url: server.url, stop: () => stopAndRemove(server, folder) };
}

async function startTestNats(): Promise<TestServer> {
  const folder = newTemporaryFolder('nats');
  const password = randomBytes(12).toString('hex');
  const server = await startNats({ folder, user: 'test', password, temporary: true });
  return { url: server.url, stop: () => stopAndRemove(server, folder) };
}

async function stopAndRemove(server: { stop(): Promise<void> }, folder: string): Promise<void> {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
