import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { startNats, startPostgres } from '@berth/local-servers';
import { dockerAnswers, startNatsContainer, startPostgresContainer } from './docker-servers.ts';
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

/** The test run's Postgres: that of BERTH_TEST_POSTGRES_URL, or a local one started for this process and ended with it. */
export async function testPostgres(): Promise<{ url: string }> {
  const given = process.env['BERTH_TEST_POSTGRES_URL'];
  if (given) return { url: given };
  postgres ??= startLocalPostgres();
  return { url: (await postgres).url };
}

/** The test run's NATS: that of BERTH_TEST_NATS_URL, or a local one started for this process and ended with it. */
export async function testNats(): Promise<{ url: string }> {
  const given = process.env['BERTH_TEST_NATS_URL'];
  if (given) return { url: given };
  nats ??= startLocalNats();
  return { url: (await nats).url };
}

/**
 * Starts both for a whole test run, in containers where a Docker engine answers, else as local processes, which end with
 * this process in any case. BERTH_TEST_SERVERS (`docker`, `local`; else `auto`) decides otherwise. The caller stops them.
 */
export async function startTestServers(): Promise<TestServers> {
  const wanted = process.env['BERTH_TEST_SERVERS'] ?? 'auto';
  if (wanted === 'docker') return startBoth('in containers', startPostgresContainer, startNatsContainer);
  if (wanted === 'auto' && (await dockerAnswers())) {
    try {
      return await startBoth('in containers', startPostgresContainer, startNatsContainer);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      process.stderr.write(`A Docker engine answers, but not with containers for the tests (${reason}).\n`);
    }
  }
  return startBoth('as local processes', startLocalPostgres, startLocalNats);
}

async function startBoth(
  how: string,
  startDatabase: () => Promise<TestServer>,
  startBus: () => Promise<TestServer>,
): Promise<TestServers> {
  const results = await Promise.allSettled([startDatabase(), startBus()]);
  const [database, bus] = results;
  if (database.status === 'rejected' || bus.status === 'rejected') {
    for (const result of results) if (result.status === 'fulfilled') await result.value.stop();
    throw database.status === 'rejected' ? database.reason : (bus as PromiseRejectedResult).reason;
  }
  return {
    postgresUrl: database.value.url,
    natsUrl: bus.value.url,
    description: `Postgres and NATS ${how}`,
    async stop() {
      await Promise.all([database.value.stop(), bus.value.stop()]);
    },
  };
}

async function startLocalPostgres(): Promise<TestServer> {
  const folder = newTemporaryFolder('postgres');
  const password = randomBytes(12).toString('hex');
  const server = await startPostgres({ folder, password, durable: false, maxConnections: 300, temporary: true });
  return { url: server.url, stop: () => stopAndRemove(server, folder) };
}

async function startLocalNats(): Promise<TestServer> {
  const folder = newTemporaryFolder('nats');
  const password = randomBytes(12).toString('hex');
  const server = await startNats({ folder, user: 'test', password, temporary: true });
  return { url: server.url, stop: () => stopAndRemove(server, folder) };
}

async function stopAndRemove(server: { stop(): Promise<void> }, folder: string): Promise<void> {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
