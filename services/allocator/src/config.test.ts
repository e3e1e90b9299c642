import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '@berth/service-kit';
import { readConfig } from './config.ts';

const least = { DATABASE_URL: 'postgres://localhost/berth', NATS_URL: 'nats://localhost' };

test('the defaults are the documented pools and a minute of quarantine', () => {
  const config = readConfig(least);
  assert.deepEqual(config.pools, {
    addressRange: undefined,
    addressRangeFor: 'default',
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

test('gRPC in the clear stays on this machine, unless something in front does TLS', () => {
  const refused = (settings: NodeJS.ProcessEnv, named: RegExp) =>
    assert.throws(() => readConfig({ ...least, ...settings }), named);
  for (const GRPC_HOST of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
    assert.equal(readConfig({ ...least, GRPC_HOST }).grpcTls, undefined);
  }
  for (const GRPC_HOST of ['0.0.0.0', '::', '10.0.0.1', 'berth.example', '127.0.0.1.example']) {
    refused({ GRPC_HOST }, /GRPC_HOST must be a loopback address/);
    assert.equal(readConfig({ ...least, GRPC_HOST, GRPC_INSECURE: '1' }).grpcHost, GRPC_HOST);
  }
  const [GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE, GRPC_TLS_CLIENT_CA_FILE] = ['cert', 'key', 'ca'];
  const both = { GRPC_HOST: '0.0.0.0', GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE };
  const tls = { certFile: 'cert', keyFile: 'key', clientCaFile: undefined };
  assert.deepEqual(readConfig({ ...least, ...both }).grpcTls, tls);
  const mutual = readConfig({ ...least, ...both, GRPC_TLS_CLIENT_CA_FILE }).grpcTls;
  assert.deepEqual(mutual, { ...tls, clientCaFile: 'ca' });
  refused({ GRPC_TLS_CERT_FILE }, /must be set together/);
  refused({ GRPC_TLS_KEY_FILE, GRPC_INSECURE: '1' }, /must be set together/);
  refused({ GRPC_TLS_CLIENT_CA_FILE }, /GRPC_TLS_CLIENT_CA_FILE needs/);
});
