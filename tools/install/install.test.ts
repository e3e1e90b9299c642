import assert from 'node:assert/strict';
import { test } from 'node:test';
import { natsServerPlan } from './nats-server-plan.mjs';
import { whyPackagesAreStale } from './stale-packages.mjs';

const lock = {
  packages: {
    '': { version: '0.1.0' },
    'libs/errors': { version: '0.1.0' },
    'node_modules/pg': { version: '8.0.0' },
    'node_modules/only-on-mac': { version: '1.0.0', optional: true },
  },
};

test('packages are stale when there are none, when one is missing, and when one has another version', () => {
  assert.match(String(whyPackagesAreStale(lock, undefined)), /none yet/);
  assert.match(String(whyPackagesAreStale(lock, { packages: {} })), /node_modules\/pg is missing/);
  const older = { packages: { 'node_modules/pg': { version: '7.0.0' } } };
  assert.match(String(whyPackagesAreStale(lock, older)), /7\.0\.0 instead of 8\.0\.0/);
});

test('packages are fresh without those of other platforms and with some too many', () => {
  const installed = {
    packages: { 'node_modules/pg': { version: '8.0.0' }, 'node_modules/more': { version: '1.0.0' } },
  };
  assert.equal(whyPackagesAreStale(lock, installed), undefined);
});

const machine = (programs: string[], more: object = {}) => ({
  env: {},
  isRoot: false,
  has: (program: string) => programs.includes(program),
  sudoWithoutPassword: () => false,
  ...more,
});

test('a NATS server that is there, or given by URL, is not installed', () => {
  assert.equal(natsServerPlan(machine(['nats-server'])).kind, 'present');
  assert.equal(natsServerPlan(machine([], { env: { NATS_URL: 'nats://bus:4222' } })).kind, 'present');
});

test('apt-get installs NATS for root, and through sudo where that asks for no password', () => {
  const nats = ['apt-get', 'install', '-q', '-y', '--no-install-recommends', 'nats-server'];
  assert.deepEqual(natsServerPlan(machine(['apt-get'], { isRoot: true })), {
    kind: 'install',
    commands: [['apt-get', 'update', '-q'], nats],
  });
  assert.deepEqual(natsServerPlan(machine(['apt-get', 'sudo'], { sudoWithoutPassword: () => true })), {
    kind: 'install',
    commands: [
      ['sudo', '-n', 'apt-get', 'update', '-q'],
      ['sudo', '-n', ...nats],
    ],
  });
});

test('where NATS cannot be installed the words say what to do', () => {
  const wordsFor = (programs: string[]) => JSON.stringify(natsServerPlan(machine(programs)));
  assert.match(wordsFor([]), /impossible.*no apt-get.*NATS_URL/);
  assert.match(wordsFor(['apt-get', 'sudo']), /sudo apt-get install nats-server/);
});
