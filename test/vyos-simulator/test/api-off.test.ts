import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProfileName, startSimulator } from '../src/index.ts';
import { sendJson } from './router-client.ts';

const whenOff: readonly (readonly [ProfileName, string, number, string, RegExp])[] = [
  [
    '1.3',
    'api',
    200,
    'application/json',
    /^\{"error": "Start service in configuration mode: set service https api"\}$/,
  ],
  ['1.4', 'api', 503, 'text/html', /<h1>503 Service Temporarily Unavailable<\/h1>/],
  ['1.5-2024', 'api rest', 404, 'application/json', /^\{"detail":"Not Found"\}$/],
];

for (const [profile, node, status, type, text] of whenOff) {
  test(`where the API of ${profile} is switched off the answer is ${status}`, async (t) => {
    const simulator = await startSimulator({ profile });
    t.after(() => simulator.stop());
    await simulator.person({ commands: [`delete service https ${node}`] });
    const reply = await sendJson(simulator, '/retrieve', { op: 'exists', path: ['nat'] });
    assert.deepEqual([reply.status, reply.type], [status, type]);
    assert.match(reply.text, text);
  });
}
