import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '@berth/service-kit';
import { defaultTimes, readConfig } from './config.ts';

const complete = {
  DATABASE_URL: 'postgres://localhost/berth',
  NATS_URL: 'nats://localhost',
  VYOS_IP: '192.0.2.1',
  VYOS_API_KEY: 'q7Ulb20vPmRzXw41',
};

test('the rest has defaults, and every time can be set', () => {
  const config = readConfig({ ...complete, BERTH_DRIVER_PROBE_EVERY_MS: '500' });
  assert.equal(config.router.name, 'default');
  assert.equal(config.router.port, 443);
  assert.deepEqual(config.times, { ...defaultTimes, probeEveryMs: 500 });
  assert.deepEqual(config.settings, { commitConfirmMinutes: 2 });
  const off = readConfig({ ...complete, BERTH_COMMIT_CONFIRM_MINUTES: '0' });
  assert.deepEqual(off.settings, { commitConfirmMinutes: 0 });
});

test('an example key stops the start, and everything that is wrong is named at once, without values', () => {
  const wrong = {
    ...complete,
    VYOS_API_KEY: 'changeme',
    VYOS_ROUTER_NAME: 'a b',
    VYOS_TLS_FINGERPRINT: 'ab:cd',
    BERTH_DHCP_SUBNET: '10.10.0.0',
    BERTH_DRIVER_LEASE_TTL_MS: '5000',
  };
  assert.throws(
    () => readConfig(wrong),
    (error) =>
      error instanceof ConfigError &&
      ['VYOS_API_KEY', 'VYOS_ROUTER_NAME', 'VYOS_TLS_FINGERPRINT', 'BERTH_DHCP_SUBNET', 'LEASE_MARGIN_MS'].every(
        (name) => error.problems.some((problem) => problem.includes(name)),
      ) &&
      !error.message.includes('ab:cd'),
  );
});

test('whatever would leave the router unprotected stops the start with the reason', () => {
  const refusals: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ VYOS_IP: 'http://192.0.2.1' }, /VYOS_IP names plain HTTP/],
    [{ VYOS_API_KEY: 'k3y-9Fq2-xW' }, /VYOS_API_KEY is shorter than 16 characters/],
    [{ VYOS_API_KEY: 'ChangeMe' }, /VYOS_API_KEY is "changeme"/],
    [{ VYOS_API_KEY: 'vyos-router-api-key' }, /VYOS_API_KEY is made of words that examples have/],
    [{ VYOS_API_KEY: '1234567890123456' }, /VYOS_API_KEY is made of characters in a row/],
    [{ VYOS_API_KEY: 'abababababababababab' }, /VYOS_API_KEY repeats the same few characters/],
    [{ VYOS_VERIFY_TLS: 'false' }, /VYOS_VERIFY_TLS cannot be off/],
    [{ VYOS_VERIFY_SSL: '0' }, /VYOS_VERIFY_SSL cannot be off/],
  ];
  for (const [setting, reason] of refusals) assert.throws(() => readConfig({ ...complete, ...setting }), reason);
});

test('a fingerprint may have colons', () => {
  const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
  assert.equal(readConfig({ ...complete, VYOS_TLS_FINGERPRINT: fingerprint }).router.fingerprint, fingerprint);
});
