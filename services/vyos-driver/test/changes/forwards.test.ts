import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConflictKind } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { configAt, driverWorld, isApplied } from '../support/driver-world.ts';

const forwards = (sources: readonly string[], given: object = {}) =>
  sources.map((sourceAddress, at) => ({
    ...{ number: 10_900 + at, inboundInterface: 'eth0', destinationAddress: '192.0.2.1', protocol: 'tcp_udp' },
    ...{ destinationPort: '30000-30009', translationAddress: '10.10.1.2', translationPort: '30000-30009' },
    ...{ sourceAddress, description: `source ${at}` },
    ...given,
  }));

/** A rule of somebody else on eth2 that has the middle of the range. */
const theirs = [
  'inbound-interface name eth2',
  'protocol tcp',
  'destination port 30005',
  'translation address 10.10.0.77',
].map((line) => `nat destination rule 7 ${line}`);

test('one forward for several sources, and one on another address and interface, stand and change as one fragment', async (t) => {
  const world = await driverWorld(t);
  await world.router.person({ commands: ['set interfaces ethernet eth2 address 198.51.100.1/24'] });
  await world.start();
  const { mapping } = fragmentFor(1);
  const elsewhere = { number: 10_950, inboundInterface: 'eth2', destinationAddress: '198.51.100.1' };
  const rules = [
    ...forwards(['203.0.113.0/24', '198.51.100.7']),
    ...forwards([''], { ...elsewhere, translationPort: '22' }),
  ];
  await world.send(changeFor(1, { desired: { mapping, rules } }));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled), settled?.message);
  const standing = (...path: string[]) => Object(configAt(world.router, ['nat', 'destination', 'rule', ...path]));
  assert.deepEqual(standing('10901'), {
    description: 'source 1',
    destination: { address: '192.0.2.1', port: '30000-30009' },
    'inbound-interface': { name: 'eth0' },
    protocol: 'tcp_udp',
    source: { address: '198.51.100.7' },
    translation: { address: '10.10.1.2', port: '30000-30009' },
  });
  assert.deepEqual(standing('10950', 'destination'), { address: '198.51.100.1', port: '30000-30009' });

  // A source less, and a range that grows over its own.
  const grown = forwards(['203.0.113.0/24'], { destinationPort: '30000-30019', translationPort: '30000-30019' });
  await world.send(changeFor(1, { number: 2n, desired: { mapping, rules: grown } }));
  await eventually(() => world.settled.length === 2);
  assert.ok(world.settled[1] && isApplied(world.settled[1]), world.settled[1]?.message);
  assert.deepEqual(Object.keys(standing()), ['5', '10900']);
  await eventually(() => JSON.stringify(world.router.config('saved')) === JSON.stringify(world.router.config()));
});

test('a forward whose ports others hold on another interface stands beside it, on theirs it is a conflict about its ports', async (t) => {
  const world = await driverWorld(t);
  await world.router.person({
    commands: ['interfaces ethernet eth2 address 198.51.100.1/24', ...theirs].map((line) => `set ${line}`),
  });
  await world.start();
  const { mapping } = fragmentFor(1);
  await world.send(changeFor(1, { desired: { mapping, rules: forwards(['203.0.113.0/24']) } }));
  const [beside] = await world.verdicts('vm-1');
  assert.ok(beside && isApplied(beside), beside?.message);
  const on = { number: 10_950, inboundInterface: 'eth2', destinationAddress: '198.51.100.1' };
  await world.send(
    changeFor(1, {
      number: 2n,
      desired: { mapping, rules: forwards(['203.0.113.0/24', '198.51.100.7'], on).slice(1) },
    }),
  );
  await eventually(() => world.settled.length === 2);
  const { code, conflict } = world.settled[1] ?? {};
  assert.equal(code, 'ROUTER_CONFLICT');
  assert.deepEqual(
    [conflict?.kind, conflict?.firstNumber, conflict?.lastNumber, conflict?.path],
    [ConflictKind.PORT, 30_000, 30_009, 'nat destination rule 7'],
  );
});
