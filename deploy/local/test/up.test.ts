import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { isPortFree, processIdentity } from '@berth/local-servers';
import { eventually, freshDatabase, temporaryFolder, testNats } from '@berth/testing';
import { readRunState } from '../src/run-state.ts';
import { startUp } from './start-up.ts';

/** The test run's servers, for tests that are not about own ones. */
async function givenServers(t: Parameters<typeof freshDatabase>[0]) {
  return { DATABASE_URL: (await freshDatabase(t)).url, NATS_URL: (await testNats()).url };
}

const isGone = (pid: number) => processIdentity(pid) === undefined;

test('up starts own servers and services, says where in one line of JSON, and Ctrl-C ends every process', async (t) => {
  const state = temporaryFolder(t);
  const up = startUp(t, state);
  const ready = await up.ready;
  assert.equal(ready.pid, up.child.pid);
  assert.deepEqual(
    ready.services.map((service) => service.name),
    ['allocator-1', 'auth-1', 'gateway-1', 'vyos-driver-1'],
  );
  assert.equal(ready.admin_api_key, 'berth_made_by_the_test');
  assert.equal((await fetch(ready.api)).status, 200);
  const run = readRunState(state);
  assert.deepEqual(run?.servers.map((server) => server.name).sort(), ['nats', 'postgres']);
  assert.deepEqual(ready.nats, {
    server: ready.nats.server,
    url_file: join(state, 'nats-url'),
    subject_prefix: 'berth',
  });
  assert.match(ready.nats.server, /^nats:\/\/127\.0\.0\.1:\d+$/);
  const natsUrl = new URL(readFileSync(ready.nats.url_file, 'utf8').trim());
  assert.deepEqual([`nats://${natsUrl.host}`, natsUrl.username], [ready.nats.server, 'berth']);
  for (const file of ['run.json', 'secrets.json', 'nats-url'])
    assert.equal(statSync(join(state, file)).mode & 0o777, 0o600);

  up.child.kill('SIGINT');
  up.child.kill('SIGINT'); // a terminal and npm both pass it on
  assert.equal(await up.exited, 0);
  for (const { pid } of [...ready.services, ...(run?.servers ?? [])]) assert.ok(isGone(pid));
  assert.match(readFileSync(join(state, 'logs/gateway-1.log'), 'utf8'), /stopping/);
  assert.match(readFileSync(join(state, 'logs/postgres.log'), 'utf8'), /database system is shut down/);
});

test('state survives a restart: the same ports of the servers, and the key that was made before', async (t) => {
  const state = temporaryFolder(t);
  const first = startUp(t, state);
  await first.ready;
  const ports = readFileSync(join(state, 'ports.json'), 'utf8');
  first.child.kill('SIGTERM');
  assert.equal(await first.exited, 0);
  const second = startUp(t, state);
  assert.equal((await second.ready).admin_api_key, 'berth_made_by_the_test');
  assert.equal(readFileSync(join(state, 'ports.json'), 'utf8'), ports);
});

test('down stops what runs with this state, and says so when nothing does', async (t) => {
  const state = temporaryFolder(t);
  const up = startUp(t, state, { env: await givenServers(t) });
  const { services } = await up.ready;
  const down = () =>
    execFileSync(process.execPath, [join(import.meta.dirname, '../src/down.ts'), '--state', state], {
      encoding: 'utf8',
    });
  assert.match(down(), /Berth has stopped/);
  assert.equal(await up.exited, 0);
  for (const { pid } of services) assert.ok(isGone(pid));
  assert.match(down(), /Berth is not running/);
});

test('a second up with the same state says that one is running, and leaves it alone', async (t) => {
  const state = temporaryFolder(t);
  const env = await givenServers(t);
  const first = await startUp(t, state, { env }).ready;
  const second = startUp(t, state, { env });
  assert.equal(await second.exited, 1);
  assert.match(second.output(), new RegExp(`running already.*process ${first.pid}.*${first.api}`));
  assert.equal((await fetch(first.api)).status, 200);
});

test('a port in use is said plainly', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => void taken.close());
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  const up = startUp(t, temporaryFolder(t), { env: { PORT: String(address.port) } });
  assert.equal(await up.exited, 1);
  assert.match(up.output(), new RegExp(`^Port ${address.port} on 127.0.0.1 is in use`));
});

test('a host of another machine is not called a port in use', async (t) => {
  const up = startUp(t, temporaryFolder(t), { env: { HOST: '192.0.2.1' } });
  assert.equal(await up.exited, 1);
  assert.match(up.output(), /^HOST has to be an address or a name of this machine/);
});

test('a database that is none, or is away, is said with the name of its setting and without its password', async (t) => {
  for (const [url, said] of [
    ['http://u:planted@127.0.0.1/berth', /^DATABASE_URL must begin with postgres:/],
    ['postgres://u:planted@127.0.0.1:1/berth', /^No connection to the Postgres of DATABASE_URL: .*ECONNREFUSED/],
  ] as const) {
    const up = startUp(t, temporaryFolder(t), { env: { DATABASE_URL: url } });
    assert.equal(await up.exited, 1);
    assert.match(up.output(), said);
    assert.ok(!up.output().includes('planted'));
  }
});

test('what a killed up left behind is ended by the next one', async (t) => {
  const state = temporaryFolder(t);
  const killed = startUp(t, state);
  const { services } = await killed.ready;
  const postgres = readRunState(state)?.servers.find((server) => server.name === 'postgres');
  assert.ok(postgres !== undefined);
  killed.child.kill('SIGKILL');
  await killed.exited;
  assert.ok(!isGone(postgres.pid)); // nobody told it
  const next = startUp(t, state);
  await next.ready;
  assert.match(next.output(), /left these behind; ended:.*postgres/);
  for (const { pid } of [...services, postgres]) assert.ok(isGone(pid));
});

test('a service that is killed is started again where its clients look for it', async (t) => {
  const state = temporaryFolder(t);
  const up = startUp(t, state, { env: await givenServers(t) });
  const ready = await up.ready;
  const gateway = ready.services.find((service) => service.name === 'gateway-1');
  assert.ok(gateway !== undefined);
  process.kill(gateway.pid, 'SIGKILL');
  const answer = await eventually(async () => (await fetch(ready.api)).text());
  assert.notEqual(answer, String(gateway.pid));
  const listed = () => readRunState(state)?.services.find((service) => service.name === 'gateway-1')?.pid;
  await eventually(() => listed() === Number(answer));
  assert.match(up.output(), /gateway-1 ended by itself \(signal SIGKILL\)/);
});

test('several replicas answer on one address', async (t) => {
  const env = await givenServers(t);
  const up = startUp(t, temporaryFolder(t), { env, args: ['--replicas', '2'] });
  const { api, services } = await up.ready;
  assert.equal(services.length, 8);
  const seen = new Set<string>();
  await eventually(async () => {
    seen.add(await (await fetch(api, { headers: { connection: 'close' } })).text());
    return seen.size === 2;
  });
});

test('an up that is interrupted while it starts leaves nothing running', async (t) => {
  const state = temporaryFolder(t);
  const up = startUp(t, state, { env: { TINY_NEVER_READY: '1' } });
  const servers = await eventually(() => {
    const { servers = [] } = readRunState(state) ?? {};
    return servers.length === 2 && servers;
  });
  up.child.kill('SIGINT');
  assert.equal(await up.exited, 0);
  assert.match(up.output(), /Stopping\.\nStopped\./);
  for (const { pid } of servers) assert.ok(isGone(pid));
});

test('a service that cannot start ends the start, with what it has logged in it', async (t) => {
  const state = temporaryFolder(t);
  const env = { ...(await givenServers(t)), TINY_FAILS: '1' };
  for (const start of ['first', 'second']) {
    const up = startUp(t, state, { env });
    assert.equal(await up.exited, 1);
    assert.match(up.output(), /ended while starting \(exit code 78\)[\s\S]*a setting is wrong/);
    assert.equal(
      up.output().split('a setting is wrong').length,
      2,
      `the ${start} start shows what it has logged itself`,
    );
  }
  assert.equal(readRunState(state), undefined);
});

test('a Postgres that is killed comes back on its port', async (t) => {
  const state = temporaryFolder(t);
  const up = startUp(t, state);
  await up.ready;
  const postgres = () => readRunState(state)?.servers.find((server) => server.name === 'postgres')?.pid;
  const first = postgres();
  assert.ok(first !== undefined);
  process.kill(first, 'SIGKILL');
  await eventually(() => postgres() !== first);
  const { postgres: port } = JSON.parse(readFileSync(join(state, 'ports.json'), 'utf8')) as { postgres: number };
  assert.equal(await isPortFree(port), false);
});
