import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { baseline, type Simulator, startSimulator } from '../src/index.ts';
import { configure, envelopeOf, retrieve, send, sendForm, sendJson } from './router-client.ts';

const MAPPING = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping';
const RULE = 'nat destination rule 110';

async function router13(t: TestContext): Promise<Simulator> {
  const simulator = await startSimulator({ profile: '1.3' });
  t.after(() => simulator.stop());
  return simulator;
}

const forward: readonly (readonly [string, string])[] = [
  ['set', `${RULE} inbound-interface eth0`],
  ['set', `${RULE} protocol tcp`],
  ['set', `${RULE} destination port 2222`],
  ['set', `${RULE} translation address 10.10.7.10`],
  ['set', `${RULE} translation port 22`],
];

test('1.3 takes the interface as one leaf, and filters by named rule sets', async (t) => {
  const simulator = await router13(t);
  assert.deepEqual(simulator.config(), await baseline('1.3'));
  const reply = await configure(
    simulator,
    ...forward,
    ['set', `${MAPPING} vm_a mac-address 52:54:00:00:01:01`],
    ['set', `${MAPPING} vm_a ip-address 10.10.7.10`],
    ['set', 'firewall name WAN_IN rule 110 action accept'],
    ['set', 'firewall name WAN_IN rule 110 destination address 10.10.7.10'],
  );
  assert.equal(reply.text, '{"success": true, "data": null, "error": null}');
  assert.equal((await retrieve(simulator, 'returnValue', `${RULE} inbound-interface`)).data, 'eth0');
});

for (const path of [
  `${RULE} inbound-interface name eth0`,
  `${RULE} source group network-group N`,
  'firewall ipv4 forward filter rule 1 action accept',
  `${MAPPING} vm-a mac 52:54:00:00:01:01`,
]) {
  test(`1.3 does not know [${path}]`, async (t) => {
    const reply = await configure(await router13(t), ['set', path]);
    assert.equal(reply.error, `Configuration path: [${path}] is not valid\n\nSet failed\n`);
  });
}

for (const missing of ['inbound-interface', 'translation address', 'protocol']) {
  test(`1.3 refuses a rule without ${missing}, without a reason`, async (t) => {
    const rest = forward.filter(([, path]) => !path.startsWith(`${RULE} ${missing}`));
    const reply = await configure(await router13(t), ...rest);
    assert.deepEqual([reply.status, reply.error], [400, '[[nat]] failed\nCommit failed\n']);
  });
}

test('1.3 takes any as an interface', async (t) => {
  const reply = await configure(await router13(t), ...forward, ['set', `${RULE} inbound-interface any`]);
  assert.equal(reply.status, 200);
});

test('1.3 refuses ports with a whole network as target', async (t) => {
  const reply = await configure(await router13(t), ...forward, ['set', `${RULE} translation address 10.10.7.0/24`]);
  assert.equal(reply.status, 400);
});

test('1.3 gives the reason of the DHCP server, with a blank line behind it', async (t) => {
  const reply = await configure(await router13(t), ['set', `${MAPPING} vm-b ip-address 10.11.0.1`]);
  assert.equal(
    reply.error,
    '[ service dhcp-server ]\nConfigured static lease address for mapping "vm-b" is not within shared-\n' +
      'network "LAN, 10.10.0.0/16"!\n\n[[service dhcp-server]] failed\nCommit failed\n',
  );
  const without = await configure(await router13(t), ['set', `${MAPPING} vm-b ip-address 10.10.7.1`]);
  assert.match(without.error ?? '', /MAC address required for static mapping "vm-b" within shared-network/);
});

test('1.3 commits one address and one MAC for two mappings', async (t) => {
  const reply = await configure(
    await router13(t),
    ['set', `${MAPPING} vm-b ip-address 10.10.0.9`],
    ['set', `${MAPPING} vm-b mac-address 52:54:00:ff:00:09`],
  );
  assert.equal(reply.status, 200);
});

test('1.3 says nothing of why a value is bad', async (t) => {
  const reply = await configure(await router13(t), ['set', `${MAPPING} vm-b ip-address 10.10.0.999`]);
  assert.equal(reply.error?.replace(/\s+/g, ' ').trim(), 'Invalid value Value validation failed Set failed');
});

test('1.3 puts an unknown operation between double quotes', async (t) => {
  const reply = await configure(await router13(t), ['save', 'x']);
  assert.equal(reply.text, '{"success": false, "error": "\\"save\\" is not a valid operation", "data": null}');
});

test('1.3 answers a form without a key with 422, and one without an operation in its own words', async (t) => {
  const simulator = await router13(t);
  const keyless = await sendForm(simulator, '/configure', { data: '{"op":"set","path":["nat"]}' });
  assert.deepEqual([keyless.status, envelopeOf(keyless).error], [422, 'Valid API key is required']);
  const wrong = await sendForm(simulator, '/configure', { data: '{"path":["nat"]}', key: simulator.key });
  assert.equal(envelopeOf(wrong).error, 'Malformed command "{"path": ["nat"]}": missing "op" field');
  const read = await sendForm(simulator, '/retrieve', { data: '{"op":"exists"}', key: simulator.key });
  assert.equal(envelopeOf(read).error, 'Missing required field. "op" and "path" fields are required');
});

test('where the API of 1.3 is away, nginx answers 200 and names an error', async (t) => {
  const simulator = await router13(t);
  simulator.addFault({ kind: 'bad_gateway', endpoint: 'any', times: 1 });
  const reply = await sendJson(simulator, '/retrieve', { op: 'exists', path: ['nat'] });
  assert.deepEqual(
    [reply.status, reply.text],
    [200, '{"error": "Start service in configuration mode: set service https api"}'],
  );
});

test('1.3 has no sections', async (t) => {
  const reply = await send(await router13(t), '/configure-section');
  assert.deepEqual([reply.status, reply.text], [404, '{"detail":"Not Found"}']);
});

test('1.3 says where it saved, and which version it is', async (t) => {
  const simulator = await router13(t);
  const saved = await sendJson(simulator, '/config-file', { op: 'save' });
  assert.equal(envelopeOf(saved).data, "Saving configuration to '/config/config.boot'...\nDone\n");
  const shown = envelopeOf(await sendJson(simulator, '/show', { op: 'show', path: ['version'] }));
  assert.match(String(shown.data), /^Version: {10}VyOS 1\.3\.8\nRelease train: {4}equuleus\n\n/);
});
