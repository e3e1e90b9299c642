import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BooksAtRest,
  checkBooks,
  checkHistory,
  type Finding,
  type HistoryEvent,
  numberIn,
  textIn,
  type Value,
} from './history-checker.ts';

const port = numberIn('tcp 203.0.113.2', 32_000);
const name = textIn('name', 'VM');

const event = (
  kind: HistoryEvent['kind'],
  vmId: string,
  [earliest, latest]: readonly [number, number],
  more: Partial<HistoryEvent> = {},
): HistoryEvent => ({
  kind,
  vmId,
  at: { earliest, latest },
  client: 'client-1',
  operationId: `${kind} ${vmId}`,
  holder: `name of ${vmId}`,
  values: [port],
  ...more,
});
const granted = (vmId: string, at: readonly [number, number], more?: Partial<HistoryEvent>) =>
  event('granted', vmId, at, more);
/** Everything rests but names. */
const released = (vmId: string, at: readonly [number, number], more: Partial<HistoryEvent> = {}) =>
  event('released', vmId, at, { resting: more.values ?? [port], ...more });

const whats = (findings: readonly Finding[]) => findings.map(({ what, value }) => [what, value]);
const found = (...events: HistoryEvent[]) => whats(checkHistory(events, { restMs: 100, clockMs: 0 }));

test('one after the other, with a rest in between, is as it should be', () => {
  assert.deepEqual(
    found(granted('a', [0, 10]), released('a', [20, 30]), granted('b', [110, 125]), released('b', [130, 140])),
    [],
  );
});

test('two VMs that surely hold a value at the same time are found, whoever was told first', () => {
  const both: [string, Value][] = [['held twice', port]];
  assert.deepEqual(found(granted('a', [0, 10]), granted('b', [5, 15])), both);
  assert.deepEqual(found(granted('a', [0, 30]), granted('b', [5, 15]), released('b', [40, 50])), both);
  assert.deepEqual(found(granted('a', [0, 10]), released('a', [20, 30]), granted('b', [11, 15])), both);
  assert.deepEqual(found(granted('a', [0, 1], { values: [name] }), granted('b', [2, 3], { values: [name] })), [
    ['held twice', name],
  ]);
});

test('what may have happened one after the other is not held against anybody', () => {
  // The second was told of after the first could have been released.
  assert.deepEqual(found(granted('a', [0, 10]), released('a', [20, 90]), granted('b', [15, 125])), []);
  // It was granted and given up again before anybody knew.
  assert.deepEqual(found(granted('a', [0, 10]), granted('b', [5, 40]), released('b', [30, 50])), []);
});

test('a value that rests for one is found with another, names at once and those that come back are not', () => {
  const resting = (more: Partial<HistoryEvent> = {}) =>
    found(granted('a', [0, 10], more), released('a', [20, 30]), granted('b', [50, 60], more));
  assert.deepEqual(resting(), [['held while it rests for another', port]]);
  assert.deepEqual(resting({ holder: 'the same' }), []);
  assert.deepEqual(found(granted('a', [0, 10]), released('a', [20, 30], { resting: [] }), granted('b', [22, 24])), []);
  // Three in a row: the first's rest is still on when the third gets it.
  assert.deepEqual(
    found(
      granted('a', [0, 10]),
      released('a', [20, 30]),
      granted('b', [30, 40], { holder: 'name of a' }),
      released('b', [50, 60], { resting: [], holder: 'name of a' }),
      granted('c', [70, 80]),
    ),
    [['held while it rests for another', port]],
  );
});

test('being told again of a grant, or of a release, changes nothing', () => {
  const first = [granted('a', [0, 10]), granted('a', [0, 12]), released('a', [20, 30]), released('a', [25, 35])];
  assert.deepEqual(found(...first, granted('b', [121, 122])), []);
});

const span = (first: number, last: number) => ({ space: 'tcp 203.0.113.2', first, last });
const books = (some: Partial<BooksAtRest> = {}): BooksAtRest => ({
  pools: [span(32_000, 32_009)],
  free: [span(32_001, 32_004), span(32_007, 32_009)],
  held: [{ ...span(32_000, 32_000), vmId: 'a' }],
  withheld: [span(32_005, 32_006)],
  claimed: [{ value: name, vmId: 'a' }],
  ...some,
});
const living = [granted('a', [0, 10], { values: [port, name] })];
const wrong = (some: Partial<BooksAtRest>, events = living) => whats(checkBooks(events, books(some)));

test('books that have every number once, each with its holder, are in order', () => {
  assert.deepEqual(checkBooks(living, books()), []);
  // What lies outside of the pools is nobody's to count.
  assert.deepEqual(wrong({ withheld: [span(32_005, 32_006), span(40_000, 40_009)] }), []);
});

test('a number that the books have nowhere is lost, one that they have twice is counted twice', () => {
  const at = (number: number) => numberIn('tcp 203.0.113.2', number);
  assert.deepEqual(wrong({ free: [span(32_001, 32_003), span(32_007, 32_009)] }), [['lost', at(32_004)]]);
  assert.deepEqual(wrong({ withheld: [] }), [['lost', at(32_005)]]);
  assert.deepEqual(wrong({ free: [span(32_000, 32_004), span(32_007, 32_009)] }), [['counted twice', at(32_000)]]);
  assert.deepEqual(wrong({ withheld: [span(32_005, 32_009)] }), [['counted twice', at(32_007)]]);
});

test('what was granted must be there for its holder, and nothing for those that are gone', () => {
  assert.deepEqual(wrong({ held: [{ ...span(32_000, 32_000), vmId: 'b' }] }), [
    ['not kept', port],
    ['held by a VM that is gone', port],
  ]);
  assert.deepEqual(wrong({ claimed: [] }), [['not kept', name]]);
  const gone = [...living, released('a', [20, 30], { values: [port, name] })];
  assert.deepEqual(wrong({}, gone), [
    ['held by a VM that is gone', name],
    ['held by a VM that is gone', port],
  ]);
});
