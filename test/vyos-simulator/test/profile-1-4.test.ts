import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { baseline, type Simulator, startSimulator } from '../src/index.ts';
import { configure, retrieve, send, sendForm, sendJson } from './router-client.ts';

const SUBNET = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16';
const MAPPING = `${SUBNET} static-mapping`;

async function router14(t: TestContext): Promise<Simulator> {
  const simulator = await startSimulator({ profile: '1.4' });
  t.after(() => simulator.stop());
  return simulator;
}

const mapping = (name: string, last: number): (readonly [string, string])[] => [
  ['set', `${MAPPING} ${name} mac-address 52:54:00:00:01:${last}`],
  ['set', `${MAPPING} ${name} ip-address 10.10.7.${last}`],
];

test('1.4 takes a mapping by mac-address and a rule by interface name, and answers null', async (t) => {
  const simulator = await router14(t);
  assert.deepEqual(simulator.config(), await baseline('1.4'));
  const reply = await configure(
    simulator,
    ...mapping('vm_a', 10),
    ['set', 'nat destination rule 110 inbound-interface name eth0'],
    ['set', 'nat destination rule 110 protocol tcp'],
    ['set', 'nat destination rule 110 destination port 2222'],
    ['set', 'nat destination rule 110 translation address 10.10.7.10'],
    ['set', 'firewall ipv4 forward filter rule 110 action accept'],
    ['set', 'firewall ipv4 forward filter rule 110 connection-status nat destination'],
  );
  assert.equal(reply.text, '{"success": true, "data": null, "error": null}');
  assert.deepEqual((await retrieve(simulator, 'showConfig', `${MAPPING} vm_a`)).data, {
    'ip-address': '10.10.7.10',
    'mac-address': '52:54:00:00:01:10',
  });
});

for (const path of [
  `${MAPPING} vm-a mac 52:54:00:00:01:01`,
  `${MAPPING} vm-a description x`,
  `${SUBNET} subnet-id 2`,
]) {
  test(`1.4 does not know [${path}]`, async (t) => {
    const reply = await configure(await router14(t), ['set', path]);
    assert.deepEqual([reply.status, reply.error], [400, `Configuration path: [${path}] is not valid\n\nSet failed\n`]);
  });
}

test('1.4 says which component failed but not why, and commits the others', async (t) => {
  const simulator = await router14(t);
  const reply = await configure(
    simulator,
    ['set', `${MAPPING} vm-b ip-address 10.10.0.9`],
    ['set', `${MAPPING} vm-b mac-address 52:54:00:00:01:02`],
    ['set', 'nat destination rule 110 translation address 10.10.7.10'],
  );
  assert.deepEqual([reply.status, reply.error], [400, '[[service dhcp-server]] failed\nCommit failed\n']);
  assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 110')).data, true);
  assert.equal((await retrieve(simulator, 'exists', `${MAPPING} vm-b`)).data, false);
  const rule = await configure(simulator, ['set', 'nat destination rule 111 destination port 80']);
  assert.equal(rule.error, '[[nat]] failed\nCommit failed\n');
});

test('1.4 keeps its warnings to itself', async (t) => {
  const reply = await configure(
    await router14(t),
    ['set', 'nat destination rule 110 inbound-interface name eth9'],
    ['set', 'nat destination rule 110 translation address 10.10.7.10'],
  );
  assert.deepEqual([reply.status, reply.data], [200, null]);
});

test('errors of 1.4 are not escaped', async (t) => {
  const reply = await configure(await router14(t), ['set', 'nat a<b>&c']);
  assert.equal(reply.error, 'Configuration path: [nat a<b>&c] is not valid\n\nSet failed\n');
});

test('1.4 has sections, takes strict beside its keys, and knows nothing of import-pki', async (t) => {
  const simulator = await router14(t);
  const section = { translation: { address: '10.10.7.10' } };
  const path = ['nat', 'destination', 'rule', '70'];
  assert.equal((await sendJson(simulator, '/configure-section', { op: 'set', path, section })).status, 200);
  assert.equal((await configure(simulator, ['set', 'service https api strict'])).status, 200);
  const gone = await configure(simulator, ['delete', 'nat destination rule 71']);
  assert.equal(gone.error, 'Cannot delete [nat destination rule 71]: path/value does not exist');
  assert.equal((await send(simulator, '/import-pki')).status, 404);
});

test('1.4 tells its version, saves without a word and refuses a form without a key as 1.5 does', async (t) => {
  const simulator = await router14(t);
  const shown = await sendJson(simulator, '/show', { op: 'show', path: ['version'] });
  assert.match(JSON.parse(shown.text).data, /^Version: {10}VyOS 1\.4\.0\nRelease train: {4}sagitta\n/);
  assert.equal(JSON.parse((await sendJson(simulator, '/config-file', { op: 'save' })).text).data, '');
  const form = await sendForm(simulator, '/configure', { data: '{"op":"set","path":["nat"]}' });
  assert.equal(form.status, 401);
});
