import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseline, type Fault, type Simulator, startSimulator } from '../src/index.ts';
import { configure, envelopeOf, retrieve, send, sendJson } from './router-client.ts';

const MAPPING = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping';

/** A complete port forward. */
const forward = (rule: number, address: string): (readonly [string, string])[] => [
  ['set', `nat destination rule ${rule} inbound-interface name eth0`],
  ['set', `nat destination rule ${rule} protocol tcp`],
  ['set', `nat destination rule ${rule} destination port ${20_000 + rule}`],
  ['set', `nat destination rule ${rule} translation address ${address}`],
  ['set', `nat destination rule ${rule} translation port 22`],
];
const mapping = (name: string, last: number): (readonly [string, string])[] => [
  ['set', `${MAPPING} ${name} mac 52:54:00:00:01:${last.toString(16).padStart(2, '0')}`],
  ['set', `${MAPPING} ${name} ip-address 10.10.7.${last}`],
];

async function withFaults(...faults: Fault[]): Promise<Simulator> {
  const simulator = await startSimulator();
  for (const fault of faults) simulator.addFault(fault);
  return simulator;
}

test('refuse_set refuses a batch that holds the value, and nothing of the batch is applied', async (t) => {
  const simulator = await withFaults({ kind: 'refuse_set', match: '10.10.7.2', text: 'Error: 10.10.7.2 is taken' });
  t.after(() => simulator.stop());
  const reply = await configure(simulator, ...forward(20, '10.10.7.1'), ...forward(21, '10.10.7.2'));
  assert.equal(reply.status, 400);
  assert.equal(reply.error, 'Error: 10.10.7.2 is taken\n\nSet failed\n');
  assert.deepEqual(simulator.config(), await baseline());
  assert.equal((await configure(simulator, ...forward(20, '10.10.7.1'))).status, 200);
});

test('refuse_commit refuses the component that holds the match, and the others are committed', async (t) => {
  const simulator = await withFaults({
    kind: 'refuse_commit',
    match: 'nat destination rule 20',
    text: 'no room for this rule',
  });
  t.after(() => simulator.stop());
  const reply = await configure(simulator, ...forward(20, '10.10.7.1'), ...mapping('vm-a', 1));
  assert.equal(reply.status, 400);
  assert.equal(reply.error, '[ nat ]\nno room for this rule\n[[nat]] failed\nCommit failed\n');
  assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 20')).data, false);
  assert.equal((await retrieve(simulator, 'exists', `${MAPPING} vm-a`)).data, true);
});

test('a fault with nth strikes that request only', async (t) => {
  const simulator = await withFaults({ kind: 'refuse_commit', nth: 2 });
  t.after(() => simulator.stop());
  const statuses: number[] = [];
  for (const rule of [20, 21, 22]) statuses.push((await configure(simulator, ...forward(rule, '10.10.7.1'))).status);
  assert.deepEqual(statuses, [200, 400, 200]);
});

test('a fault with times is spent after that many', async (t) => {
  const simulator = await withFaults({ kind: 'locked', times: 2 });
  t.after(() => simulator.stop());
  const statuses: number[] = [];
  for (const rule of [20, 21, 22]) statuses.push((await configure(simulator, ...forward(rule, '10.10.7.1'))).status);
  assert.deepEqual(statuses, [400, 400, 200]);
});

test('a fault without times stays until cleared', async (t) => {
  const simulator = await withFaults({ kind: 'bad_gateway' });
  t.after(() => simulator.stop());
  const ask = () => sendJson(simulator, '/configure', { commands: [] });
  assert.equal((await ask()).status, 502);
  assert.match((await ask()).text, /<center><h1>502 Bad Gateway<\/h1><\/center>/);
  simulator.clearFaults();
  assert.equal((await ask()).status, 200);
});

test('gateway_timeout answers 504 and the change is made', async (t) => {
  const simulator = await withFaults({ kind: 'gateway_timeout', times: 1 });
  t.after(() => simulator.stop());
  const commands = forward(20, '10.10.7.1').map(([op, path]) => ({ op, path: path.split(' ') }));
  const reply = await sendJson(simulator, '/configure', { commands });
  assert.equal(reply.status, 504);
  assert.equal(reply.type, 'text/html');
  assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 20')).data, true);
});

test('drop_connection cuts the connection and the change is made', async (t) => {
  const simulator = await withFaults({ kind: 'drop_connection', times: 1 });
  t.after(() => simulator.stop());
  const commands = forward(20, '10.10.7.1').map(([op, path]) => ({ op, path: path.split(' ') }));
  await assert.rejects(sendJson(simulator, '/configure', { commands }), /socket hang up|ECONNRESET/);
  assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 20')).data, true);
  assert.equal(simulator.log()[0]?.status, null);
});

test('hang never answers and changes nothing', async (t) => {
  const simulator = await withFaults({ kind: 'hang', times: 1 });
  t.after(() => simulator.stop());
  const commands = forward(20, '10.10.7.1').map(([op, path]) => ({ op, path: path.split(' ') }));
  const hanging = sendJson(simulator, '/configure', { commands });
  hanging.catch(() => undefined);
  while (simulator.counters().requests < 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 20')).data, false);
  await simulator.reboot({ downMs: 0 });
  await assert.rejects(hanging);
});

test('locked answers in the words of a commit by another session', async (t) => {
  const simulator = await withFaults({ kind: 'locked' });
  t.after(() => simulator.stop());
  const reply = await configure(simulator, ...forward(20, '10.10.7.1'));
  assert.equal(reply.status, 400);
  assert.equal(reply.error, 'Configuration system temporarily locked due to another commit in progress\n');
});

test('success_false is a 200 whose envelope says that it failed', async (t) => {
  const simulator = await withFaults({ kind: 'success_false', text: 'odd', times: 1 });
  t.after(() => simulator.stop());
  const reply = await configure(simulator, ...forward(20, '10.10.7.1'));
  assert.deepEqual([reply.status, reply.success, reply.error], [200, false, 'odd']);
  assert.deepEqual(simulator.config(), await baseline());
});

test('after session_lost every write is a 500 and reads work, until a reboot', async (t) => {
  const simulator = await withFaults({ kind: 'session_lost', nth: 1 });
  t.after(() => simulator.stop());
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const reply = await configure(simulator, ...forward(20, '10.10.7.1'));
    assert.equal(reply.status, 500);
    assert.equal(reply.error, 'An internal error occured. Check the logs for details.');
  }
  assert.equal((await sendJson(simulator, '/config-file', { op: 'save' })).status, 500);
  assert.equal((await retrieve(simulator, 'exists', 'nat')).status, 200);
  await simulator.reboot({ downMs: 0 });
  assert.equal((await configure(simulator, ...forward(20, '10.10.7.1'))).status, 200);
});

test('a fault meant for another endpoint leaves writes alone', async (t) => {
  const simulator = await withFaults({ kind: 'bad_gateway', endpoint: '/retrieve' });
  t.after(() => simulator.stop());
  assert.equal((await configure(simulator, ...forward(20, '10.10.7.1'))).status, 200);
  const read = await sendJson(simulator, '/retrieve', { op: 'exists', path: ['nat'] });
  assert.equal(read.status, 502);
});

test('a wrong key is refused before any fault strikes', async (t) => {
  const simulator = await withFaults({ kind: 'bad_gateway', endpoint: 'any' });
  t.after(() => simulator.stop());
  const reply = await send(simulator, '/configure', { body: JSON.stringify({ commands: [], key: 'wrong' }) });
  assert.equal(reply.status, 401);
  assert.equal(envelopeOf(reply).error, 'Valid API key is required');
});
