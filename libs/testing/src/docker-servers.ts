import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import pg from 'pg';
import { eventually } from './eventually.ts';
import type { TestServer } from './test-servers.ts';

/** Any image that takes the official one's command line and POSTGRES_PASSWORD. */
const postgresImage = process.env['BERTH_TEST_POSTGRES_IMAGE'] ?? 'postgres:18';
/** Any image whose command is nats-server's arguments. */
const natsImage = process.env['BERTH_TEST_NATS_IMAGE'] ?? 'nats:2.12';

const startupTimeoutMs = 120_000; // the first start on a machine fetches the image

/** Whether a Docker engine answers where DOCKER_HOST says (`unix://` or `tcp://`), or at its usual socket; within a second. */
export function dockerAnswers(): Promise<boolean> {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  const where = host.startsWith('unix://')
    ? { socketPath: host.slice('unix://'.length) }
    : { host: new URL(host).hostname, port: new URL(host).port };
  return new Promise((resolve) => {
    const ping = request({ ...where, path: '/_ping', timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.on('close', () => resolve(false));
    ping.end();
  });
}

/** A Postgres in a container, without durability. */
export async function startPostgresContainer(): Promise<TestServer> {
  const { GenericContainer, Wait } = await import('testcontainers'); // takes half a second to load
  const password = randomBytes(12).toString('hex');
  const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=300'];
  const container = await new GenericContainer(postgresImage)
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withCommand(['postgres', ...settings.flatMap((setting) => ['-c', setting])])
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/))
    .withStartupTimeout(startupTimeoutMs)
    .start();
  const url = `postgres://postgres:${password}@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  // The official image says that it is ready once before, for its own set-up.
  await eventually(() => answers(url), { what: 'Postgres in its container', timeoutMs: 30_000 });
  return { url, stop: async () => void (await container.stop()) };
}

/** A NATS server with JetStream in a container. */
export async function startNatsContainer(): Promise<TestServer> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const password = randomBytes(12).toString('hex');
  const container = await new GenericContainer(natsImage)
    .withCommand(['--jetstream', '--user', 'test', '--pass', password])
    .withExposedPorts(4222)
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .withStartupTimeout(startupTimeoutMs)
    .start();
  const url = `nats://test:${password}@${container.getHost()}:${container.getMappedPort(4222)}`;
  return { url, stop: async () => void (await container.stop()) };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => {}); // a session that the image's set-up ends
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}
