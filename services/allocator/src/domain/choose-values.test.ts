import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import fc from 'fast-check';
import {
  type Chosen,
  chooseValues,
  type Demand,
  type KeptValue,
  type SpaceKind,
  type ValueBook,
} from './choose-values.ts';
import { FreeSpans } from './free-spans.ts';
import { lengthOf, type NumberRange } from './number-range.ts';

const pools: Record<SpaceKind, { pool: NumberRange; rest: NumberRange }> = {
  address: { pool: { first: 0, last: 9 }, rest: { first: 10, last: 19 } },
  tcp: { pool: { first: 100, last: 109 }, rest: { first: 110, last: 129 } },
  udp: { pool: { first: 100, last: 109 }, rest: { first: 110, last: 129 } },
  rule: { pool: { first: 1_000, last: 1_019 }, rest: { first: 2_000, last: 2_000 } },
};

const book = (): ValueBook => {
  const of = (kind: SpaceKind) => ({
    pool: new FreeSpans([pools[kind].pool]),
    rest: new FreeSpans([pools[kind].rest]),
  });
  return { address: of('address'), tcp: of('tcp'), udp: of('udp'), rule: of('rule') };
};
const rangesOf = (kind: SpaceKind) => [pools[kind].pool];

const freeIn = (values: ValueBook): number =>
  Object.values(values).reduce(
    (sum, { pool, rest }) => sum + [...pool.spans, ...rest.spans].reduce((all, span) => all + lengthOf(span), 0),
    0,
  );

const demand = fc.record<Demand>({
  address: fc.option(fc.record({ within: fc.constantFrom(undefined, { first: 5, last: 12 }) }), { nil: undefined }),
  ports: fc.uniqueArray(
    fc.record({
      slot: fc.constantFrom('a', 'b', 'c', 'd'),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'tcp_udp' as const),
      exact: fc.constantFrom(0, 0, 0, 105, 115),
      within: fc.constantFrom(undefined, undefined, { first: 107, last: 112 }),
    }),
    { selector: ({ slot }) => slot, maxLength: 4 },
  ),
  rules: fc.constantFrom(0, 3, 4),
});

const isChosen = (result: Chosen | DomainError): result is Chosen => !(result instanceof DomainError);

test('no value is given twice, and who cannot have all gets nothing', () => {
  fc.assert(
    fc.property(fc.array(demand, { maxLength: 12 }), (demands) => {
      const values = book();
      const held = new Set<string>();
      let free = freeIn(values);
      for (const one of demands) {
        const result = chooseValues(values, one, [], rangesOf);
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

const noDemand: Demand = { address: undefined, ports: [], rules: 0 };

test('a VM gets back what its name held, where it still fits', () => {
  const kept: KeptValue[] = [
    { id: '1', space: 'address', held: { first: 7, last: 7 }, slot: '' },
    { id: '2', space: 'tcp', held: { first: 104, last: 104 }, slot: 'ssh' },
    { id: '3', space: 'rule', held: { first: 1_010, last: 1_012 }, slot: '' },
  ];
  const ssh = { slot: 'ssh', protocol: 'tcp', exact: 0, within: undefined } as const;
  const same = chooseValues(book(), { address: { within: undefined }, ports: [ssh], rules: 3 }, kept, rangesOf);
  assert.ok(isChosen(same));
  assert.deepEqual([same.address, same.ports.get('ssh'), same.rules?.first], [7, 104, 1_010]);

  const elsewhere = {
    address: { within: { first: 8, last: 9 } },
    ports: [{ ...ssh, protocol: 'tcp_udp' as const }],
    rules: 4,
  };
  const other = chooseValues(book(), elsewhere, kept, rangesOf);
  assert.ok(isChosen(other));
  assert.deepEqual([other.address, other.ports.get('ssh'), other.rules?.first], [8, 100, 1_000]);
});

test('a named port is taken from anywhere, before others of the same VM can take it', () => {
  const any = { slot: 'any', protocol: 'tcp', exact: 0, within: undefined } as const;
  const named = { slot: 'named', protocol: 'tcp', exact: 100, within: undefined } as const;
  const outside = { slot: 'outside', protocol: 'udp', exact: 120, within: undefined } as const;
  const result = chooseValues(book(), { ...noDemand, ports: [any, named, outside] }, [], rangesOf);
  assert.ok(isChosen(result));
  assert.deepEqual(Object.fromEntries(result.ports), { any: 101, named: 100, outside: 120 });
});

test('a port that is taken, and pools that are empty, are told apart', () => {
  const values = book();
  const port = { slot: 'a', protocol: 'tcp_udp', exact: 105, within: undefined } as const;
  assert.ok(isChosen(chooseValues(values, { ...noDemand, ports: [{ ...port, protocol: 'udp' }] }, [], rangesOf)));
  const codes = [
    chooseValues(values, { ...noDemand, ports: [port] }, [], rangesOf),
    chooseValues(
      values,
      { ...noDemand, ports: [{ ...port, exact: 0, within: { first: 105, last: 105 } }] },
      [],
      rangesOf,
    ),
    chooseValues(values, { ...noDemand, address: { within: { first: 40, last: 50 } } }, [], rangesOf),
    chooseValues(values, { ...noDemand, rules: 21 }, [], rangesOf),
  ].map((result) => (isChosen(result) ? 'chosen' : result.code));
  assert.deepEqual(codes, [
    'EXTERNAL_PORT_TAKEN',
    'PORT_POOL_EXHAUSTED',
    'ADDRESS_POOL_EXHAUSTED',
    'RULE_POOL_EXHAUSTED',
  ]);
});
