import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { baseline, type ProfileName, type Simulator, startSimulator } from '../src/index.ts';
import { configure, retrieve, send, sendJson } from './router-client.ts';

const SUBNET = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16';
const MAPPING = `${SUBNET} static-mapping`;

async function router(t: TestContext, profile: ProfileName): Promise<Simulator> {
  const simulator = await startSimulator({ profile });
  t.after(() => simulator.stop());
  return simulator;
}

const save = (simulator: Simulator, file?: string) =>
  sendJson(simulator, '/config-file', { op: 'save', ...(file && { file }) });

test('an upgrade to 1.5 renames the leaf of MACs, cleans names, moves options and numbers the subnets', async (t) => {
  const simulator = await router(t, '1.4');
  await configure(
    simulator,
    ['set', `${MAPPING} vm_a mac-address 52:54:00:00:01:01`],
    ['set', `${MAPPING} vm_a ip-address 10.10.7.1`],
    ['set', 'service dhcp-server shared-network-name LAN subnet 10.99.0.0/24 range 0 start 10.99.0.9'],
    ['set', 'service dhcp-server shared-network-name LAN subnet 10.99.0.0/24 range 0 stop 10.99.0.99'],
    ['set', 'service dhcp-server shared-network-name LAN name-server 10.10.0.1'],
    ['set', `${SUBNET} ping-check`],
  );
  await save(simulator);
  await configure(simulator, ['set', `${MAPPING} vm_b`]);
  await simulator.reboot({ downMs: 0, profile: '1.5-2024' });
  assert.equal((await send(simulator, '/config-file', { method: 'GET' })).status, 405);
  assert.deepEqual((await retrieve(simulator, 'showConfig', MAPPING)).data, {
    'static-mapping': {
      printer: { 'ip-address': '10.10.0.9', mac: '52:54:00:ff:00:09' },
      'vm-a': { 'ip-address': '10.10.7.1', mac: '52:54:00:00:01:01' },
    },
  });
  const { range, lease, option, ...rest } = JSON.parse(
    (await sendJson(simulator, '/retrieve', { op: 'showConfig', path: SUBNET.split(' ') })).text,
  ).data;
  assert.deepEqual(option, {
    'default-router': '10.10.0.1',
    'domain-name': 'lab.example',
    'name-server': '10.10.0.1',
  });
  assert.deepEqual([Object.keys(rest), rest['subnet-id'], lease], [['static-mapping', 'subnet-id'], '1', '86400']);
  const other = 'service dhcp-server shared-network-name LAN subnet 10.99.0.0/24 subnet-id';
  assert.equal((await retrieve(simulator, 'returnValue', other)).data, '2');
  const onNetwork = 'service dhcp-server shared-network-name LAN option name-server';
  assert.equal((await retrieve(simulator, 'returnValue', onNetwork)).data, '10.10.0.1');
  assert.deepEqual(simulator.config('saved'), simulator.config('running'));
  const next = await configure(simulator, ['set', `${MAPPING} vm-c mac 52:54:00:00:01:03`]);
  assert.equal(next.status, 200, next.text);
});

test('the baseline of 1.4 becomes the baseline of 1.5', async (t) => {
  const simulator = await router(t, '1.4');
  await simulator.reboot({ downMs: 0, profile: '1.5-2026' });
  assert.deepEqual(simulator.config(), await baseline('1.5-2026'));
});

test('an upgrade of 1.3 names the interfaces of NAT rules, and jumps to the rule sets that were bound', async (t) => {
  const simulator = await router(t, '1.3');
  await simulator.reboot({ downMs: 0, profile: '1.4' });
  const rule = await retrieve(simulator, 'showConfig', 'nat destination rule 5 inbound-interface');
  assert.deepEqual(rule.data, { name: 'eth0' });
  assert.deepEqual((await retrieve(simulator, 'showConfig', 'firewall ipv4')).data, {
    forward: {
      filter: { rule: { '5': { action: 'jump', 'inbound-interface': { name: 'eth0' }, 'jump-target': 'WAN_IN' } } },
    },
    name: {
      WAN_IN: { 'default-action': 'accept', rule: { '10': { action: 'accept', state: ['established', 'related'] } } },
    },
  });
  const { firewall: _firewall, ...before } = Object(await baseline('1.4'));
  const { firewall: _other, ...after } = Object(simulator.config());
  assert.deepEqual(after, before);
  assert.equal((await configure(simulator, ['set', 'firewall ipv4 name WAN_IN rule 20 action drop'])).status, 200);
});

test('an upgrade over two versions is an upgrade to each', async (t) => {
  const [far, near] = [await router(t, '1.3'), await router(t, '1.3')];
  await far.reboot({ downMs: 0, profile: '1.5-2024' });
  await near.reboot({ downMs: 0, profile: '1.4' });
  await near.reboot({ downMs: 0, profile: '1.5-2024' });
  assert.deepEqual(far.config(), near.config());
});

test('a file of the version before is migrated when it is loaded', async (t) => {
  const simulator = await router(t, '1.4');
  await configure(simulator, ['set', `${MAPPING} vm_a mac-address 52:54:00:00:01:01`]);
  await save(simulator, '/config/before.boot');
  await simulator.reboot({ downMs: 0, profile: '1.5-2024' });
  assert.equal((await retrieve(simulator, 'exists', `${MAPPING} vm-a`)).data, false);
  const loaded = await sendJson(simulator, '/config-file', { op: 'load', file: '/config/before.boot' });
  assert.equal(loaded.status, 200, loaded.text);
  assert.equal((await retrieve(simulator, 'exists', `${MAPPING} vm-a`)).data, true);
});

test('there is no way back to an older version', async (t) => {
  const simulator = await router(t, '1.5-2024');
  const reply = await fetch(`${simulator.controlUrl}/reboot`, { method: 'POST', body: '{"profile":"1.4"}' });
  assert.equal(reply.status, 400);
  assert.match(JSON.stringify(await reply.json()), /a configuration of 1\.5-2024 cannot become one of 1\.4/);
  assert.equal((await retrieve(simulator, 'exists', 'nat')).status, 200);
});

test('a device that takes its place has what it started with, of the version it had', async (t) => {
  const simulator = await startSimulator({ profile: '1.4', key: 'mine' });
  t.after(() => simulator.stop());
  const initially = simulator.config();
  await configure(simulator, ['set', 'nat destination rule 5 description changed']);
  await save(simulator);
  await save(simulator, '/config/kept.boot');
  await simulator.replace({ downMs: 0 });
  assert.deepEqual([simulator.config(), simulator.config('saved')], [initially, initially]);
  const load = await sendJson(simulator, '/config-file', { op: 'load', file: '/config/kept.boot' });
  assert.equal(load.status, 400);
  await simulator.reboot({ downMs: 0, profile: '1.5-2025' });
  await simulator.replace({ downMs: 0 });
  assert.equal((await retrieve(simulator, 'returnValue', `${MAPPING} printer mac`)).data, '52:54:00:ff:00:09');
});

test('starting again with another version is an upgrade of what the state folder holds', async (t) => {
  const stateFolder = await mkdtemp(join(tmpdir(), 'simulator-'));
  t.after(() => rm(stateFolder, { recursive: true }));
  const before = await startSimulator({ stateFolder, profile: '1.4' });
  await configure(before, ['set', `${MAPPING} vm_a mac-address 52:54:00:00:01:01`]);
  await save(before);
  await before.stop();
  const same = await startSimulator({ stateFolder });
  assert.equal((await retrieve(same, 'exists', `${MAPPING} vm_a mac-address`)).data, true);
  await same.stop();
  const after = await startSimulator({ stateFolder, profile: '1.5-2024' });
  t.after(() => after.stop());
  assert.equal((await retrieve(after, 'exists', `${MAPPING} vm-a mac`)).data, true);
  await assert.rejects(startSimulator({ stateFolder, profile: '1.3' }), /cannot become one of 1\.3/);
});
