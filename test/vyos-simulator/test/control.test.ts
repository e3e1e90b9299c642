import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseline, type Simulator, startSimulator } from '../src/index.ts';
import { configure, retrieve, sendJson } from './router-client.ts';

async function control(
  simulator: Simulator,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const reply = await fetch(`${simulator.controlUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: await reply.json() };
}

const set = ['set', 'nat destination rule 5 destination port 2300'] as const;
const savedPort = async (simulator: Simulator) =>
  JSON.stringify((await control(simulator, 'GET', '/config?tree=saved')).body).includes('"2300"');

test('the running and the saved configuration can be asked for', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  assert.deepEqual((await control(simulator, 'GET', '/config')).body, await baseline());
  await configure(simulator, set);
  assert.equal(await savedPort(simulator), false);
  await sendJson(simulator, '/config-file', { op: 'save' });
  assert.equal(await savedPort(simulator), true);
  assert.deepEqual(simulator.config('saved'), simulator.config('running'));
});

test('what was not saved is gone after a reboot, what was saved is not', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  await configure(simulator, ['set', 'nat destination rule 5 description kept']);
  await sendJson(simulator, '/config-file', { op: 'save' });
  await configure(simulator, set);
  await configure(simulator, ['delete', 'service dhcp-server']);
  await simulator.reboot({ downMs: 0 });
  assert.equal((await retrieve(simulator, 'returnValue', 'nat destination rule 5 description')).data, 'kept');
  assert.equal((await retrieve(simulator, 'returnValue', 'nat destination rule 5 destination port')).data, '2222');
  assert.equal((await retrieve(simulator, 'exists', 'service dhcp-server')).data, true);
});

test('while the router reboots nothing listens on its port', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  assert.equal((await control(simulator, 'POST', '/reboot', { down_ms: 60_000 })).status, 200);
  await assert.rejects(retrieve(simulator, 'exists', 'nat'), /ECONNREFUSED|ECONNRESET/);
});

test('an upgrade and another device in its place are asked for in the same way', async (t) => {
  const simulator = await startSimulator({ profile: '1.4' });
  t.after(() => simulator.stop());
  const initially = JSON.stringify(simulator.config());
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  await configure(simulator, set);
  await sendJson(simulator, '/config-file', { op: 'save' });
  assert.equal((await control(simulator, 'POST', '/replace', {})).status, 200);
  await until(() => simulator.counters().reboots === 1);
  assert.equal(JSON.stringify(simulator.config()), initially);
  assert.equal((await control(simulator, 'POST', '/reboot', { profile: '1.5-2024' })).status, 200);
  await until(() => simulator.counters().reboots === 2);
  assert.equal(JSON.stringify(simulator.config()).includes('subnet-id'), true);
});

test('counters tell saves, commits and commits of nothing apart', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  await configure(simulator, set);
  await configure(simulator, set);
  await configure(simulator, [
    'delete',
    'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping printer',
  ]);
  await configure(simulator, ['set', 'nat destination rule 6']);
  await configure(simulator, ['set', 'nat bogus']);
  await sendJson(simulator, '/config-file', { op: 'save' });
  await retrieve(simulator, 'exists', 'nat');
  const { body } = await control(simulator, 'GET', '/counters');
  assert.deepEqual(body, {
    requests: 7,
    commits: 3,
    saves: 1,
    dhcp_restarts: 1,
    max_in_flight: 1,
    empty_configures: 1,
    reads: 1,
    reads_in_flight_max: 1,
    reads_beside_write: 0,
    configures_overlapped: 0,
    refused: 2,
    person_commits: 0,
    reboots: 0,
    reverts: 0,
    pending_confirm: false,
  });
});

test('the log holds each request without its key', async (t) => {
  const simulator = await startSimulator({ key: 'a-very-secret-key' });
  t.after(() => simulator.stop());
  await configure(simulator, set);
  const { body } = await control(simulator, 'GET', '/log');
  assert.ok(Array.isArray(body) && body.length === 1);
  const { started_ms, ended_ms, ...entry } = body[0];
  assert.deepEqual(entry, {
    method: 'POST',
    path: '/configure',
    body: { commands: [{ op: 'set', path: set[1].split(' ') }] },
    status: 200,
    overlapped: false,
  });
  assert.ok(ended_ms >= started_ms);
  assert.ok(!JSON.stringify(body).includes('a-very-secret-key'));
});

test('a person commits on the running configuration, and saves when asked to', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const commands = [
    "set nat destination rule 5 description 'by hand'",
    { op: 'set', path: ['nat', 'destination', 'rule', '5', 'destination', 'port'], value: '2300' },
  ];
  assert.equal((await control(simulator, 'POST', '/person', { commands, save: true })).status, 200);
  assert.equal((await retrieve(simulator, 'returnValue', 'nat destination rule 5 description')).data, 'by hand');
  assert.equal(await savedPort(simulator), true);
  assert.equal(simulator.counters().person_commits, 1);
  assert.equal(simulator.counters().commits, 0);
});

test("a person's command that the router refuses changes nothing and is a 400 in its words", async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const reply = await control(simulator, 'POST', '/person', {
    commands: ['set nat destination rule 5 description x', 'set nat bogus'],
  });
  assert.deepEqual(reply, {
    status: 400,
    body: { error: 'Configuration path: [nat bogus] is not valid\n\nSet failed\n' },
  });
  assert.deepEqual(simulator.config(), await baseline());
});

test('faults and latency can be set and cleared', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  assert.equal(
    (await control(simulator, 'POST', '/latency', { preset: 'calibrated', scale: 0.001, nat_set_ms: 5 })).status,
    200,
  );
  assert.equal(
    (await control(simulator, 'POST', '/faults', { kind: 'refuse_commit', match: ['nat'], text: 'no', times: 3 }))
      .status,
    200,
  );
  assert.equal((await configure(simulator, set)).error, '[ nat ]\nno\n[[nat]] failed\nCommit failed\n');
  assert.equal((await control(simulator, 'DELETE', '/faults')).status, 200);
  assert.equal((await configure(simulator, set)).status, 200);
});

test('requests that make no sense are a 400 that says why', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const wrong: [string, string, unknown, RegExp][] = [
    ['POST', '/faults', { kind: 'explode' }, /unknown kind "explode"; known: refuse_set/],
    ['POST', '/faults', { match: 'nat' }, /kind is required/],
    ['POST', '/faults', { kind: 'hang', often: 3 }, /unknown field "often"/],
    ['POST', '/faults', { kind: 'hang', nth: 0 }, /nth must be a number of at least 1/],
    ['POST', '/latency', { preset: 'slow' }, /unknown preset "slow"/],
    ['POST', '/latency', { nat_set_ms: 'x' }, /nat_set_ms must be a number/],
    ['POST', '/person', { commands: [5] }, /the body must be a JSON object|a command is/],
    ['POST', '/reboot', { down: 3 }, /unknown field "down"/],
    ['POST', '/reboot', { profile: '2.0' }, /unknown profile "2.0"; known: 1.3, 1.4/],
    ['POST', '/replace', { profile: '1.4' }, /unknown field "profile"/],
    ['GET', '/config?tree=session', undefined, /tree must be running or saved/],
  ];
  for (const [method, path, body, reason] of wrong) {
    const reply = await control(simulator, method, path, body);
    assert.equal(reply.status, 400, path);
    assert.match(JSON.stringify(reply.body).replaceAll('\\"', '"'), reason);
  }
  assert.equal((await control(simulator, 'GET', '/nosuch')).status, 404);
});
