import { randomBytes } from 'node:crypto';
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

function startTestPostgres(): Promise<TestServer> {
  return startPostgres({
    folder: newTemporaryFolder('postgres'),
    password: randomBytes(12).toString('hex'),
    durable: false,
    maxConnections: 300,
    temporary: true,
  });
}

function startTestNats(): Promise<TestServer> {
  return startNats({
    folder: newTemporaryFolder('nats'),
    user: 'test',
    password: randomBytes(12).toString('hex'),
    temporary: true,
  });
}
