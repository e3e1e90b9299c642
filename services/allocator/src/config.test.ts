import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '@berth/service-kit';
import { readConfig } from './config.ts';

const least = { DATABASE_URL: 'postgres://localhost/berth', NATS_URL: 'nats://localhost' };

test('the defaults are the documented pools and a minute of quarantine', () => {
  const config = readConfig(least);
  assert.deepEqual(config.pools, {
    addressRange: undefined,
    portRange: { first: 32_000, last: 33_000 },
    ruleRange: { first: 10_000, last: 999_999 },
  });
  assert.deepEqual([config.quarantineMs, config.defaultRouter, config.grpcPort], [60_000, 'default', 8_801]);
});

test('ranges are read as they are written', () => {
  const config = readConfig({ ...least, BERTH_ADDRESS_RANGE: '0.0.0.8/29', BERTH_PORT_RANGE: '40000 - 40099' });
  assert.deepEqual(config.pools.addressRange, { first: 8, last: 15 });
  assert.deepEqual(config.pools.portRange, { first: 40_000, last: 40_099 });
});

test('everything that is wrong is named at once', () => {
  const wrong = {
    BERTH_ADDRESS_RANGE: '10.0.0.9-10.0.0.1',
    BERTH_PORT_RANGE: '80-90',
    BERTH_RULE_RANGE: '1-1000000',
    BERTH_QUARANTINE_SECONDS: '-1',
  };
  assert.throws(
    () => readConfig({ NATS_URL: 'nats://localhost', ...wrong }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      const named = error.problems.map((problem) => problem.split(' ')[0]);
      assert.deepEqual(new Set(named), new Set(['DATABASE_URL', ...Object.keys(wrong)]));
      return true;
    },
  );
});
