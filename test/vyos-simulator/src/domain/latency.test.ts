import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpolate, Latency } from './latency.ts';

const calibrated = new Latency({ preset: 'calibrated' });

/** A whole `/configure`: the fixed part, the edits, and the commit. */
const configureMs = (rules: number, edits: readonly (readonly [op: string, path: string])[]): number =>
  calibrated.of('noopMs', rules) +
  calibrated.of('commitMs', rules) +
  edits.reduce((sum, [op, path]) => sum + calibrated.ofEdit(op, path.split(' ')), 0);
const sets = (count: number, path: string) => Array.from({ length: count }, () => ['set', path] as const);

/** Within 15 %, as the observed runs were spread. */
function assertNear(ms: number, seconds: number): void {
  assert.ok(Math.abs(ms / 1000 - seconds) <= 0.15 * seconds, `${ms} ms is not near ${seconds} s`);
}

test('a change of one port takes as long as observed, by number of rules', () => {
  const onePort = sets(1, 'nat destination rule 5 destination port 1');
  for (const [rules, seconds] of [
    [1, 1.7],
    [101, 5.3],
    [301, 12],
    [1_001, 51],
  ] as const)
    assertNear(configureMs(rules, onePort), seconds);
});

test('batches of NAT sets, mapping sets and deletes take as long as observed', () => {
  assertNear(configureMs(1, sets(100, 'nat destination rule 5 destination port 1')), 12.6);
  assertNear(configureMs(1, sets(500, 'nat destination rule 5 destination port 1')), 57);
  assertNear(configureMs(1, sets(100, 'service dhcp-server static-mapping a mac b')), 6.7);
  assertNear(
    configureMs(
      1,
      Array.from({ length: 400 }, () => ['delete', 'nat destination rule 5'] as const),
    ),
    13,
  );
});

test('reads take as long as observed, by number of rules and by what is asked', () => {
  assertNear(calibrated.of('existsMs', 1_001), 4.2);
  assertNear(calibrated.ofRead(['nat', 'destination', 'rule', '5'], 301), 0.43);
  assertNear(calibrated.ofRead(['nat', 'destination'], 301), 3.4);
  assertNear(calibrated.ofRead([], 101), 1.11);
});

test('between two rows the time is linear, beyond the last its slope goes on', () => {
  const table = [
    [1, 10],
    [11, 20],
    [21, 60],
  ] as const;
  assert.equal(interpolate(table, 0), 10);
  assert.equal(interpolate(table, 6), 15);
  assert.equal(interpolate(table, 16), 40);
  assert.equal(interpolate(table, 31), 100);
});

test('a scale acts on everything, also on spells and restarts', () => {
  const fast = new Latency({ preset: 'calibrated', scale: 0.01 });
  for (const kind of ['noopMs', 'natSetMs', 'refusalSpellMs', 'crashMs'] as const) {
    assert.ok(Math.abs(fast.of(kind, 301) - calibrated.of(kind, 301) / 100) < 1e-9);
  }
});

test('single rates replace those of the preset', () => {
  const latency = new Latency({ preset: 'calibrated', natSetMs: 1 });
  assert.equal(latency.ofEdit('set', ['nat']), 1);
  assert.equal(latency.of('saveMs', 1), 330);
});

test('the instant preset takes no time at all, and neither does a scale of zero', () => {
  assert.ok(new Latency().isInstant);
  assert.ok(new Latency({ preset: 'calibrated', scale: 0 }).isInstant);
  assert.ok(!calibrated.isInstant);
});
