import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '@berth/service-kit';
import { defaultTimes, readConfig } from './config.ts';

const complete = {
  DATABASE_URL: 'postgres://localhost/berth',
  NATS_URL: 'nats://localhost',
  VYOS_IP: '192.0.2.1',
  VYOS_API_KEY: 'k3y',
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
      !error.message.includes('changeme'),
  );
});

test('a fingerprint may have colons', () => {
  const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
  assert.equal(readConfig({ ...complete, VYOS_TLS_FINGERPRINT: fingerprint }).router.fingerprint, fingerprint);
});
