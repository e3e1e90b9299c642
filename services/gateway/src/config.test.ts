import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

const configOf = (env: Record<string, string>) => readConfig({ NATS_URL: 'nats://127.0.0.1:4222', ...env });

test('proxies are networks with a length that says something: nobody is told to believe everybody', () => {
  const named = { BERTH_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1' };
  assert.deepEqual(configOf(named).trustedProxies, ['10.0.0.0/8', '192.0.2.1']);
  for (const everybody of ['0.0.0.0/0', '10.0.0.0/8,::/00']) {
    assert.throws(() => configOf({ BERTH_TRUSTED_PROXIES: everybody }), /BERTH_TRUSTED_PROXIES names every address/);
  }
  for (const name of ['BERTH_TRUSTED_PROXIES', 'BERTH_NEVER_BLOCK']) {
    assert.throws(() => configOf({ [name]: '10.0.0.0/' }), new RegExp(`${name} must be networks`));
  }
});
