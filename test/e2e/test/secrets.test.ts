import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from '@berth/database';
import { connectBus } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventuallyHolds, freshDatabase } from '@berth/testing';
import { type BerthUnderTest, startBerth, startSecondRouter } from '../src/index.ts';

/** Where anything could have been written, and how to read all of it. */
interface Place {
  readonly name: string;
  readonly read: () => Promise<string> | string;
}

test('passwords, keys and tokens that were used are in no log, event, error, metric, trace, table or mail', async (t) => {
  const { url: databaseUrl } = await freshDatabase(t);
  const traces = await startTraceReceiver(t);
  const berth = await startBerth(t, {
    databaseUrl,
    env: { BERTH_LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: traces.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
  });
  const published = await capturePublished(t, berth);
  const errors: string[] = [];
  const planted = await useSecrets(t, berth, errors);
  await eventuallyHolds(() => assert.ok(traces.text().includes('/v1/vms/provision'), 'spans arrived'));
  await eventuallyHolds(() => assert.ok(published().includes('berth.access'), 'events arrived'));

  const places: Place[] = [
    { name: 'logs', read: () => textOfFolder(join(berth.stateFolder, 'logs')) },
    { name: 'mails', read: () => textOfFolder(join(berth.stateFolder, 'mails')) },
    { name: 'events', read: published },
    { name: 'traces', read: traces.text },
    { name: 'errors', read: () => errors.join('\n') },
    { name: 'metrics', read: () => metricsOf(berth) },
    { name: 'tables', read: () => dumpOf(t, databaseUrl) },
    { name: 'audit log', read: async () => JSON.stringify((await berth.api.get('/v1/admin/audit?limit=500')).body) },
    { name: 'OpenAPI', read: async () => JSON.stringify((await berth.api.get('/openapi.json')).body) },
  ];
  for (const { name, read } of places) {
    const text = await read();
    assert.ok(text.length > 100, `${name}: there is something to look at`);
    const found = Object.entries(planted).filter(([, secret]) => text.includes(secret));
    assert.deepEqual(
      found.map(([what]) => what),
      [],
      name,
    );
  }
});

/** Does what people and programs do, with secrets that are known here; right ones, and wrong ones that look like them. */
async function useSecrets(t: TestContext, { api, system }: BerthUnderTest, errors: string[]) {
  const planted: Record<string, string> = {
    'admin API key': system.adminApiKey,
    'admin password': system.newAdminPassword,
  };
  const secret = (what: string, text: unknown): string => {
    assert.ok(typeof text === 'string' && text.length >= 12, `${what} is there`);
    planted[what] = text;
    return text;
  };
  const refused = async (method: string, path: string, body: unknown, headers = {}) => {
    const answer = await api.call(method, path, { body, headers, apiKey: null });
    assert.ok(answer.status >= 400, `${path}: ${answer.status}`);
    errors.push(JSON.stringify(answer.body));
  };
  const password = secret('a password', `horse-${randomBytes(9).toString('hex')}-Battery`);
  const nextPassword = secret('a new password', `staple-${randomBytes(9).toString('hex')}-Correct`);
  const made = await api.post('/v1/admin/users', {
    name: 'ann',
    email: 'ann@example.org',
    password,
    groups: ['operator'],
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));

  const signIn = async (text: string) => {
    const { status, body } = await api.post('/v1/auth/token', { username: 'ann', password: text }, { apiKey: null });
    assert.equal(status, 200, JSON.stringify(body));
    return { access: String(body.access_token), refresh: String(body.refresh_token) };
  };
  const first = await signIn(password);
  secret('an access token', first.access);
  secret('a refresh token', first.refresh);
  const bearer = { headers: { authorization: `Bearer ${first.access}` }, apiKey: null };
  assert.equal((await api.provision({ vm_name: 'planted' }, bearer)).status, 201);

  const refreshed = await api.post('/v1/auth/refresh', { refresh_token: first.refresh }, { apiKey: null });
  secret('a second refresh token', refreshed.body.refresh_token);
  await refused('POST', '/v1/auth/refresh', { refresh_token: first.refresh });
  await refused('POST', '/v1/auth/token', { username: 'ann', password: secret('a wrong password', `${password}-no`) });
  await refused('GET', '/v1/vms', undefined, {
    'x-api-key': secret('a wrong key', `berth_abcdefgh_${'x'.repeat(49)}`),
  });
  await refused('GET', '/v1/vms', undefined, { authorization: `Bearer ${first.access}x` });

  const again = await signIn(password);
  const changed = await api.post(
    '/v1/account/password',
    { current_password: password, new_password: nextPassword },
    { headers: { authorization: `Bearer ${again.access}` }, apiKey: null },
  );
  assert.equal(changed.status, 204, JSON.stringify(changed.body));

  const key = await api.post('/v1/admin/api-keys', { name: 'planted' });
  secret('an API key', key.body.api_key);
  const { settings } = await startSecondRouter(t);
  secret("a router's key", settings.key);
  const router = await api.post('/v1/routers', { name: 'second', ...routerBody(settings) });
  assert.ok(router.status < 300, JSON.stringify(router.body));
  const providerSecret = secret("a provider's secret", randomBytes(24).toString('hex'));
  const provider = await api.post('/v1/admin/identity-providers', {
    ...{ name: 'hub', preset: 'github', client_id: 'berth', client_secret: providerSecret },
    redirect_uris: ['https://berth.example.org/callback'],
  });
  assert.equal(provider.status, 201, JSON.stringify(provider.body));
  return planted;
}

const routerBody = ({
  host,
  port,
  key,
  fingerprint,
}: Record<'host' | 'key' | 'fingerprint', string> & { port: number }) => ({
  ...{ host, port, key, fingerprint, key_id: 'berth' },
});

/** Takes what OpenTelemetry would send to a collector. */
async function startTraceReceiver(t: TestContext) {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk)).on('end', () => response.end('{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, text: () => Buffer.concat(bodies).toString('latin1') };
}

/** Everything that is published for others: all of the installation's subjects but the commands between its services. */
async function capturePublished(t: TestContext, { natsUrl, subjectPrefix }: BerthUnderTest) {
  const bus = await connectBus({
    url: natsUrl,
    prefix: subjectPrefix,
    name: 'test',
    log: createLogger('test', 'fatal'),
  });
  t.after(() => bus.drain());
  let text = '';
  bus.connection.subscribe(`${subjectPrefix}.>`, {
    callback: (_error, message) => {
      if (message.subject.startsWith(`${subjectPrefix}.rpc.`)) return;
      const headers = [...(message.headers ?? [])].join('\n');
      text += `${message.subject}\n${headers}\n${Buffer.from(message.data).toString('latin1')}\n`;
    },
  });
  await bus.ping();
  return () => text;
}

function textOfFolder(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return files
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n');
}

async function metricsOf({ system }: BerthUnderTest): Promise<string> {
  const texts = system.services.map(async ({ url }) => (await fetch(`${url}/metrics`)).text());
  return (await Promise.all(texts)).join('\n');
}

/** Every row of every table, as a dump would have it. */
async function dumpOf(t: TestContext, url: string): Promise<string> {
  const database = await openDatabase({ url, schema: 'public', migrations: [], applicationName: 'dump' });
  t.after(() => database.close());
  const tables = await database.query<{ name: string }>(
    `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  assert.ok(tables.length > 30, 'all schemas are there');
  const rows: string[] = [];
  for (const { name } of tables) {
    for (const { row } of await database.query<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${name} t`)) {
      rows.push(row, hexAsText(row)); // bytea is written in hexadecimal
    }
  }
  return rows.join('\n');
}

const hexAsText = (row: string): string =>
  [...row.matchAll(/\\\\x([0-9a-f]{16,})/g)]
    .map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1'))
    .join('\n');
