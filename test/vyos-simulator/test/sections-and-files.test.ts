import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulator } from '../src/index.ts';
import { configure, envelopeOf, retrieve, sendForm, sendJson } from './router-client.ts';

const RULE = ['nat', 'destination', 'rule', '70'];
const section = {
  protocol: 'tcp',
  destination: { port: '8070' },
  translation: { address: '10.10.1.70', port: '80' },
  disable: {},
};

test('a section is set below its path, and load replaces what is there', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  assert.equal((await sendJson(simulator, '/configure-section', { op: 'set', path: RULE, section })).status, 200);
  assert.deepEqual((await retrieve(simulator, 'showConfig', RULE.join(' '))).data, section);
  const other = { protocol: 'udp', translation: { address: '10.10.1.71' } };
  assert.equal(
    (await sendJson(simulator, '/configure-section', { op: 'load', path: RULE, section: other })).status,
    200,
  );
  assert.deepEqual((await retrieve(simulator, 'showConfig', RULE.join(' '))).data, other);
});

test('a section that is missing is a 400 in both encodings', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const json = await sendJson(simulator, '/configure-section', { op: 'set', path: RULE });
  assert.equal(json.status, 400);
  assert.match(envelopeOf(json).error ?? '', /'section'\), 'msg': 'Field required'/);
  const form = await sendForm(simulator, '/configure-section', {
    data: JSON.stringify({ op: 'set', path: RULE }),
    key: simulator.key,
  });
  assert.equal(form.status, 400);
  assert.match(envelopeOf(form).error ?? '', /missing 'section' or 'config' field/);
});

test('a file that was saved can be loaded again, also with subtrees that the schema does not have', async (t) => {
  const simulator = await startSimulator({
    config: {
      nat: { source: { rule: { '100': { translation: { address: 'masquerade' } } } } },
      container: { name: { x: { image: 'y' } } },
    },
  });
  t.after(() => simulator.stop());
  const before = simulator.config();
  await sendJson(simulator, '/config-file', { op: 'save', file: '/config/before.boot' });
  await configure(simulator, ['set', 'nat source rule 100 description x'], ['set', 'system host-name other']);
  assert.equal((await sendJson(simulator, '/config-file', { op: 'load', file: '/config/before.boot' })).status, 200);
  assert.deepEqual(simulator.config(), before);
});

test('a value with blanks is not found by exists, which joins the path by blanks', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const exists = async (path: string[]) =>
    envelopeOf(await sendJson(simulator, '/retrieve', { op: 'exists', path })).data;
  assert.equal(await exists(['nat', 'destination', 'rule', '5', 'description', 'admin ssh (made by hand)']), false);
  assert.equal(await exists(['nat destination', 'rule', '5']), true);
});

test('a key given at the start is in the configuration, and the keys of the configuration are accepted too', async (t) => {
  const simulator = await startSimulator({ key: 'mine', keyId: 'driver' });
  t.after(() => simulator.stop());
  assert.equal((await retrieve(simulator, 'returnValue', 'service https api keys id driver key')).data, 'mine');
  const form = await sendForm(simulator, '/retrieve', {
    data: JSON.stringify({ op: 'exists', path: ['nat'] }),
    key: 'labkey',
  });
  assert.equal(form.status, 200);
});
