import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import fc from 'fast-check';
import { lengthOf, type NumberRange } from '../number-range.ts';
import type { PoolKind } from '../pools/pool.ts';
import type { OfferedPool, Source } from '../pools/pool-directory.ts';
import {
  type Chosen,
  chooseValues,
  type Demand,
  type KeptValue,
  type PortDemand,
  type Sources,
  type SpaceKind,
  type ValueBook,
} from './choose-values.ts';
import { FreeSpans } from './free-spans.ts';

const pools: Record<SpaceKind, { pool: NumberRange; rest: NumberRange }> = {
  address: { pool: { first: 0, last: 9 }, rest: { first: 10, last: 19 } },
  tcp: { pool: { first: 100, last: 109 }, rest: { first: 110, last: 129 } },
  udp: { pool: { first: 100, last: 109 }, rest: { first: 110, last: 129 } },
  rule: { pool: { first: 1_000, last: 1_019 }, rest: { first: 2_000, last: 2_000 } },
};

const book = (): ValueBook => {
  const of = (kind: SpaceKind, id: number) => ({
    pool: { id, free: new FreeSpans([pools[kind].pool]) },
    rest: { id: id + 1, free: new FreeSpans([pools[kind].rest]) },
  });
  return { address: of('address', 10), tcp: of('tcp', 20), udp: of('udp', 30), rule: of('rule', 40) };
};

const aPool = (kind: PoolKind, more: Partial<OfferedPool> = {}): Source => ({
  pool: {
    id: '',
    kind,
    name: 'edge',
    router: 'r',
    groups: [],
    state: 'active',
    site: {},
    protocols: ['tcp', 'udp'],
    ...more,
  },
  only: false,
});
const sources: Sources = {
  router: 'r',
  externalIp: '203.0.113.2',
  address: aPool('ip-pools'),
  ports: aPool('port-pools'),
  rules: aPool('rule-pools'),
};

const freeIn = (values: ValueBook): number =>
  Object.values(values).reduce(
    (sum, { pool, rest }) =>
      sum + [pool, rest].flatMap((one) => one?.free.spans ?? []).reduce((all, span) => all + lengthOf(span), 0),
    0,
  );

const demand = fc.record<Demand>({
  address: fc.option(fc.record({ within: fc.constantFrom(undefined, { first: 5, last: 12 }) }), { nil: undefined }),
  ports: fc.uniqueArray(
    fc.record({
      slot: fc.constantFrom('a', 'b', 'c', 'd'),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'tcp_udp' as const),
      count: fc.constantFrom(1, 1, 3),
      exact: fc.constantFrom(0, 0, 0, 105, 115),
      within: fc.constantFrom(undefined, undefined, { first: 107, last: 112 }),
    }),
    { selector: ({ slot }) => slot, maxLength: 4 },
  ),
  rules: fc.constantFrom(
    [],
    [{ slot: '', count: 3 }],
    [
      { slot: '', count: 4 },
      { slot: 'a', count: 1 },
    ],
  ),
});

const isChosen = (result: Chosen | DomainError): result is Chosen => !(result instanceof DomainError);

test('no value is given twice, and who cannot have all gets nothing', () => {
  fc.assert(
    fc.property(fc.array(demand, { maxLength: 12 }), (demands) => {
      const values = book();
      const held = new Set<string>();
      let free = freeIn(values);
      for (const one of demands) {
        const result = chooseValues(values, sources, one, []);
        if (!isChosen(result)) {
          assert.equal(freeIn(values), free);
          continue;
        }
        for (const { space, held: range } of result.taken) {
          for (let number = range.first; number <= range.last; number++) {
            assert.ok(!held.has(`${space} ${number}`), `${space} ${number} is held twice`);
            held.add(`${space} ${number}`);
          }
        }
        const taken = result.taken.reduce((sum, { held: range }) => sum + lengthOf(range), 0);
        assert.equal(freeIn(values), free - taken);
        free -= taken;
      }
    }),
  );
});

const noDemand: Demand = { address: undefined, ports: [], rules: [] };
const aPort = { slot: 'a', protocol: 'tcp', count: 1, exact: 0, within: undefined } as const;

test('a VM gets back what its name held, where it still fits', () => {
  const kept: KeptValue[] = [
    { id: '1', space: 'address', segmentId: 10, held: { first: 7, last: 7 }, slot: '' },
    { id: '2', space: 'tcp', segmentId: 20, held: { first: 104, last: 104 }, slot: 'ssh' },
    { id: '3', space: 'rule', segmentId: 40, held: { first: 1_010, last: 1_012 }, slot: '' },
  ];
  const ssh = { ...aPort, slot: 'ssh' };
  const rules = (count: number) => [{ slot: '', count }];
  const same = chooseValues(book(), sources, { address: { within: undefined }, ports: [ssh], rules: rules(3) }, kept);
  assert.ok(isChosen(same));
  assert.deepEqual([same.address, same.ports.get('ssh'), same.rules.get('')?.first], [7, 104, 1_010]);

  const elsewhere = {
    address: { within: { first: 8, last: 9 } },
    ports: [{ ...ssh, protocol: 'tcp_udp' as const }],
    rules: rules(4),
  };
  const other = chooseValues(book(), sources, elsewhere, kept);
  assert.ok(isChosen(other));
  assert.deepEqual([other.address, other.ports.get('ssh'), other.rules.get('')?.first], [8, 100, 1_000]);
});

test('a named port is taken from anywhere, before others of the same VM can take it', () => {
  const any = { ...aPort, slot: 'any' };
  const named = { ...aPort, slot: 'named', exact: 100 };
  const outside = { ...aPort, slot: 'outside', protocol: 'udp', exact: 120 } as const;
  const result = chooseValues(book(), sources, { ...noDemand, ports: [any, named, outside] }, []);
  assert.ok(isChosen(result));
  assert.deepEqual(Object.fromEntries(result.ports), { any: 101, named: 100, outside: 120 });
});

test('a port that is taken, and pools that are empty, are told apart', () => {
  const values = book();
  const port = { ...aPort, protocol: 'tcp_udp', exact: 105 } as const;
  const choose = (more: Partial<Demand>) => chooseValues(values, sources, { ...noDemand, ...more }, []);
  assert.ok(isChosen(choose({ ports: [{ ...port, protocol: 'udp' }] })));
  const codes = [
    choose({ ports: [port] }),
    choose({ ports: [{ ...port, exact: 0, within: { first: 105, last: 105 } }] }),
    choose({ address: { within: { first: 40, last: 50 } } }),
    choose({ rules: [{ slot: '', count: 21 }] }),
  ].map((result) => (isChosen(result) ? 'chosen' : result.code));
  assert.deepEqual(codes, [
    'EXTERNAL_PORT_TAKEN',
    'PORT_POOL_EXHAUSTED',
    'ADDRESS_POOL_EXHAUSTED',
    'RULE_POOL_EXHAUSTED',
  ]);
});

test('a run of ports is one value; one that comes back has to be as long', () => {
  const run = { ...aPort, count: 4 };
  const value = (id: string, first: number, last: number, more: Partial<KeptValue> = {}): KeptValue => ({
    ...{ id, space: 'tcp', segmentId: 20, held: { first, last }, slot: 'a' },
    ...more,
  });
  const kept = (last: number) => [value('1', 104, last)];
  const choose = (port: PortDemand, before: KeptValue[] = []) => {
    const result = chooseValues(book(), sources, { ...noDemand, ports: [port] }, before);
    return isChosen(result)
      ? result.taken.map(({ held, keptIds }) => [held.first, held.last, ...keptIds])
      : result.code;
  };
  assert.deepEqual(choose(run), [[100, 103]]);
  assert.deepEqual(choose(run, kept(107)), [[104, 107, '1']]);
  assert.deepEqual(choose(run, kept(106)), [[100, 103]]);
  assert.deepEqual(choose(run, [value('2', 107, 107), ...kept(106)]), [[104, 107, '1', '2']]);
  assert.deepEqual(choose({ ...run, exact: 104 }, [...kept(105), value('2', 106, 107)]), [[104, 107, '1', '2']]);
  assert.deepEqual(choose(run, [...kept(106), value('2', 108, 108)]), [[100, 103]]);
  assert.deepEqual(choose(run, [...kept(106), value('2', 107, 107, { slot: 'b' })]), [[100, 103]]);
  assert.deepEqual(choose(run, [...kept(106), value('2', 107, 107, { segmentId: 21 })]), [[100, 103]]);
  // Neighbours that were values of their own stay such.
  assert.deepEqual(choose(aPort, [value('2', 105, 105), ...kept(104)]), [[105, 105, '2']]);
  assert.deepEqual(choose({ ...run, exact: 106 }), [[106, 109]]);
  assert.deepEqual(choose({ ...run, exact: 108 }), 'EXTERNAL_PORT_TAKEN'); // half of the pool, half of none
});

test('what comes back from quarantine is of the pool by now, or of none and wished for by range', () => {
  const before = (segmentId: number | null): KeptValue[] => [
    { id: '1', space: 'address', segmentId, held: { first: 7, last: 7 }, slot: '' },
  ];
  const choose = (segmentId: number | null, within?: NumberRange, only = false) => {
    const values = book();
    const from = { ...sources, address: { ...sources.address, only } };
    const narrowed = only ? { ...values, address: { ...values.address, rest: undefined } } : values;
    const result = chooseValues(narrowed, from, { ...noDemand, address: { within } }, before(segmentId));
    return isChosen(result) && [result.address, result.addressOfPool];
  };
  const around = { first: 6, last: 12 };
  assert.deepEqual(choose(10), [7, true]);
  assert.deepEqual(choose(11), [0, true]);
  assert.deepEqual(choose(11, around), [7, false]);
  assert.deepEqual(choose(11, around, true), [6, true]);
  assert.deepEqual(choose(99), [0, true]);
  assert.deepEqual(choose(null, around), [6, true]);
});

test('a pool that hands out nothing, and no pool at all, are told apart from one that is used up', () => {
  const codeWith = (source: Source, demand: Partial<Demand>) => {
    const from = { ...sources, address: source, ports: source, rules: source };
    const result = chooseValues(book(), from, { ...noDemand, ...demand }, []);
    return isChosen(result) ? 'chosen' : result.code;
  };
  const draining = aPool('port-pools', { state: 'draining' });
  const none: Source = { pool: undefined, only: false };
  const address = { address: { within: undefined } };
  const rules = { rules: [{ slot: '', count: 1 }] };
  const exact = { ports: [{ ...aPort, exact: 120 }] };
  for (const demand of [address, rules, exact, { ports: [aPort] }])
    assert.equal(codeWith(draining, demand), 'POOL_NOT_ACTIVE');
  for (const demand of [address, rules, { ports: [aPort] }]) assert.equal(codeWith(none, demand), 'NO_DEFAULT_POOL');
  assert.equal(codeWith(none, exact), 'chosen');
  assert.equal(codeWith(draining, {}), 'chosen');
});
