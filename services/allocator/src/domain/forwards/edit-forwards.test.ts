import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lengthOf, type NumberRange } from '../number-range.ts';
import type { TakenValue } from '../values/choose-values.ts';
import { demandsFor, type Holding, holdingsOf, toHoldings, withoutHoldings, withTaken } from '../values/holdings.ts';
import { desiredFragment } from '../vms/desired-fragment.ts';
import type { Vm } from '../vms/vm.ts';
import { editForwards, type ForwardEdit, type ForwardsEdit } from './edit-forwards.ts';
import { type Forward, moveBlock, ruleCount, ruleNumbersOf, stands } from './forward.ts';
import type { TemplateForward } from './forward-template.ts';
import { type ForwardWish, plainWish } from './forward-wish.ts';
import { planNewForwards } from './new-forwards.ts';

const template: readonly TemplateForward[] = [
  { name: 'ssh', protocol: 'tcp', internalPort: 22, sources: [], description: '' },
  { name: 'http', protocol: 'tcp', internalPort: 80, sources: [], description: '' },
];
const range = (first: number, last = first): NumberRange => ({ first, last });
const nothing: ForwardsEdit = { create: [], update: [], delete: [] };
const wish = (name: string, more: Partial<ForwardWish>): ForwardWish => ({ ...plainWish(name), ...more });

/** Hands out runs that nobody had before: ports from 32000, rules from 20000. */
class Numbers {
  #port = 32_000;
  #rule = 20_000;

  /** Completes planned forwards, and tells what was taken for them beside what is in hand. */
  complete(planned: readonly Forward[], inHand: readonly Holding[]) {
    const demands = demandsFor(planned, inHand, undefined);
    const taken: TakenValue[] = [];
    const take = (space: TakenValue['space'], held: NumberRange, slot: string) =>
      taken.push({ space, held, slot, segmentId: 1, keptIds: [] });
    for (const { slot, protocol, exact, count } of demands.ports) {
      const first = exact || this.#port;
      if (exact === 0) this.#port += count;
      for (const space of protocol === 'tcp_udp' ? (['tcp', 'udp'] as const) : [protocol]) {
        take(space, range(first, first + count - 1), slot);
      }
    }
    for (const { slot, count } of demands.rules) {
      take('rule', range(this.#rule, this.#rule + count - 1), slot);
      this.#rule += count;
    }
    return { forwards: withTaken(planned, taken), taken: toHoldings(taken) };
  }
}

const block = range(10_000, 10_002);
/** ssh and a forward of the VM's own stand, http is absent. */
function aVm(): { forwards: readonly Forward[]; numbers: Numbers } {
  const numbers = new Numbers();
  const planned = planNewForwards([plainWish('ssh'), wish('db', { internalPort: 5_432 })], template);
  return { numbers, forwards: moveBlock(numbers.complete(planned, []).forwards, block.first) };
}
const named = (forwards: readonly Forward[], name: string) => forwards.find((forward) => forward.name === name);

function edited(edit: Partial<ForwardsEdit>) {
  const { forwards, numbers } = aVm();
  const change = editForwards(forwards, { ...nothing, ...edit }, { template, block });
  const inHand = holdingsOf(forwards);
  const { forwards: after, taken } = numbers.complete(change.forwards, inHand);
  return { before: forwards, after, taken, released: withoutHoldings(inHand, holdingsOf(after)), change };
}
const update = (name: string, more: Partial<ForwardEdit>) => edited({ update: [{ name, ...more }] });

test('a change of the external port takes the new one while the old one is still held', () => {
  const { taken, released } = update('ssh', { externalPort: 40_000 });
  assert.deepEqual(taken, [{ kind: 'tcp', held: range(40_000), slot: 'ssh' }]);
  assert.deepEqual(released, [{ kind: 'tcp', held: range(32_000), slot: 'ssh' }]);
});

test('another port of the pool is taken for 0; naming the one that it has takes nothing', () => {
  assert.deepEqual(named(update('ssh', { externalPort: 0 }).after, 'ssh')?.external, range(32_002));
  const { taken, released, after } = update('ssh', { externalPort: 32_000 });
  assert.deepEqual([taken, released, named(after, 'ssh')?.fixedPort], [[], [], 32_000]);
});

test('a second protocol takes the same port under it; a range that grows takes what is missing', () => {
  assert.deepEqual(update('ssh', { protocol: 'tcp_udp' }).taken, [{ kind: 'udp', held: range(32_000), slot: 'ssh' }]);
  const grown = update('ssh', { externalPort: 31_998, externalPortEnd: 32_000 });
  assert.deepEqual(grown.taken, [{ kind: 'tcp', held: range(31_998, 31_999), slot: 'ssh' }]);
  assert.deepEqual(grown.released, []);
});

test('two forwards of a VM cannot have a port in common, but one can take the port that another leaves', () => {
  const taken = { kind: 'conflict', code: 'EXTERNAL_PORT_TAKEN' };
  assert.throws(() => update('ssh', { externalPort: 32_001 }), taken);
  assert.throws(() => update('ssh', { externalPortEnd: 32_001 }), taken);
  const swapped = edited({
    update: [
      { name: 'ssh', externalPort: 32_001 },
      { name: 'db', externalPort: 32_000 },
    ],
  });
  assert.deepEqual([swapped.taken, swapped.released], [[], []]);
  assert.deepEqual(update('ssh', { protocol: 'udp', externalPort: 32_001 }).taken, [
    { kind: 'udp', held: range(32_001), slot: 'ssh' },
  ]);
});

test('more sources take rule numbers of their own beside that of the block, fewer give them up', () => {
  const sources = ['192.0.2.1', '192.0.2.2', '198.51.100.0/24'];
  const more = update('ssh', { sources });
  assert.deepEqual(more.taken, [{ kind: 'rule', held: range(20_000, 20_001), slot: 'ssh' }]);
  const ssh = named(more.after, 'ssh');
  assert.deepEqual(ssh && ruleNumbersOf(ssh), [10_000, 20_000, 20_001]);
  const context = { template, block };
  const fewer = editForwards(
    more.after,
    { ...nothing, update: [{ name: 'ssh', sources: sources.slice(1) }] },
    context,
  ).forwards;
  assert.deepEqual(withoutHoldings(holdingsOf(more.after), holdingsOf(fewer)), [
    { kind: 'rule', held: range(20_001), slot: 'ssh' },
  ]);
});

test('a range that is shifted has a rule per port; one that is not, or that leads to one port, has one', () => {
  const of = (more: Partial<ForwardWish>) => {
    const { after } = edited({ create: [wish('range', more)] });
    const forward = named(after, 'range');
    return forward ? [ruleCount(forward), lengthOf(forward.external ?? range(0))] : [];
  };
  assert.deepEqual(of({ internalPort: 8_000, internalPortEnd: 8_003 }), [4, 4]);
  assert.deepEqual(of({ internalPort: 8_000, internalPortEnd: 8_003, externalPort: 8_000 }), [1, 4]);
  assert.deepEqual(of({ internalPort: 8_000, externalPort: 9_000, externalPortEnd: 9_009 }), [1, 10]);
  assert.deepEqual(of({ internalPort: 8_000, externalPortCount: 5, sources: ['192.0.2.1', '192.0.2.2'] }), [2, 5]);
});

test('deleted by name, a forward of the template is remembered with its number, another one is gone', () => {
  const { after, released, change } = edited({ delete: ['ssh', 'db'] });
  assert.deepEqual(
    after.map(({ name, state, blockRule }) => [name, state, blockRule]),
    [
      ['ssh', 'absent', 10_000],
      ['http', 'absent', 10_001],
    ],
  );
  assert.deepEqual(released.length, 2);
  const again = editForwards(
    change.forwards,
    { ...nothing, create: [wish('db', { internalPort: 1 })] },
    { template, block },
  );
  assert.equal(named(again.forwards, 'db')?.blockRule, 10_002);
});

test('a forward can be renamed, two can swap names, and a name that stands or is the template’s is a conflict', () => {
  const { after, taken, released } = edited({
    update: [
      { name: 'ssh', newName: 'db' },
      { name: 'db', newName: 'ssh' },
    ],
  });
  assert.deepEqual([taken, released], [[], []]);
  assert.equal(named(after, 'ssh')?.internal.first, 5_432);
  for (const newName of ['db', 'DB', 'http']) {
    assert.throws(() => update('ssh', { newName }), { kind: 'conflict', code: 'FORWARD_EXISTS' }, newName);
  }
});

test('what stands cannot be made, what does not cannot be changed or deleted', () => {
  assert.throws(() => edited({ create: [plainWish('ssh')] }), { code: 'FORWARD_EXISTS' });
  assert.throws(() => edited({ create: [wish('SSH', { internalPort: 1 })] }), { code: 'FORWARD_EXISTS' });
  assert.throws(() => edited({ create: [wish('HTTP', { internalPort: 1 })] }), { kind: 'invalid' });
  assert.throws(() => edited({ create: [plainWish('new')] }), { kind: 'invalid' });
  assert.throws(() => update('http', { enabled: false }), { code: 'PORT_NOT_FOUND' });
  assert.throws(() => edited({ delete: ['nothing'] }), { code: 'PORT_NOT_FOUND' });
  assert.equal(named(edited({ create: [plainWish('http')] }).after, 'http')?.internal.first, 80);
});

test('ports and sources that do not fit together are told, with the field', () => {
  const field = (edit: Partial<ForwardsEdit>) => {
    try {
      edited(edit);
      return undefined;
    } catch (error) {
      return (error as { details: { fields: { field: string }[] } }).details.fields[0]?.field;
    }
  };
  const created = (more: Partial<ForwardWish>) => field({ create: [wish('x', { internalPort: 8_000, ...more })] });
  assert.equal(
    created({ internalPortEnd: 8_003, externalPort: 9_000, externalPortEnd: 9_001 }),
    'create[0].external_port',
  );
  assert.equal(created({ internalPortEnd: 8_064 }), 'create[0].internal_port_end');
  assert.equal(created({ internalPortEnd: 8_063 }), undefined);
  assert.equal(created({ externalPort: 65_535, externalPortCount: 2 }), 'create[0].external_port');
  assert.equal(
    field({ update: [{ name: 'ssh', internalPort: 65_535, internalPortEnd: 65_540 }] }),
    'update[0].internal_port_end',
  );
  assert.equal(
    field({ update: [{ name: 'ssh', externalPort: 0, externalPortEnd: 2_000 }] }),
    'update[0].external_port',
  );
});

const vm = {
  id: 'vm',
  site: { wanInterface: 'eth0', externalIp: '203.0.113.2', dhcpNetwork: 'LAN', dhcpSubnet: '10.0.0.0/24' },
  internalIp: '10.0.0.2',
} as Vm;

/** What of every rule is unique: its number, and which packets it takes. */
const packetsOf = (forwards: readonly Forward[]) =>
  desiredFragment(vm, { name: 'vm', macAddress: '', hostname: 'vm', forwards }).rules.map(
    ({ number, protocol, destinationPort, sourceAddress }) => ({
      number,
      packets: `${protocol} ${destinationPort} ${sourceAddress}`,
    }),
  );

const aName = fc.constantFrom('ssh', 'http', 'db', 'a', 'b', 'c');
const sources = fc.uniqueArray(fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.0/24'));
const aWish = fc.record({
  name: aName,
  protocol: fc.constantFrom(undefined, 'tcp' as const, 'udp' as const, 'tcp_udp' as const),
  internalPort: fc.integer({ min: 1, max: 65_000 }),
  span: fc.integer({ min: 0, max: 3 }),
  sources,
});
const anEdit = fc.record(
  {
    name: aName,
    newName: aName,
    protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'tcp_udp' as const),
    internalPort: fc.integer({ min: 1, max: 65_000 }),
    internalPortEnd: fc.constant(0),
    externalPort: fc.constantFrom(0, 32_000, 32_001, 40_000, 40_002),
    sources,
    enabled: fc.boolean(),
  },
  { requiredKeys: ['name'] },
);
const aStep = fc.record({
  create: fc.array(
    aWish.map(({ span, ...more }) => ({
      ...plainWish(more.name),
      ...more,
      internalPortEnd: span === 0 ? 0 : more.internalPort + span,
    })),
    { maxLength: 2 },
  ),
  update: fc.array(anEdit, { maxLength: 2 }),
  delete: fc.array(aName, { maxLength: 1 }),
});

test('after any edits each rule has its number, no two take the same packets, and holdings follow the forwards', () => {
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 8 }), (steps) => {
      let { forwards, numbers } = aVm();
      let held = holdingsOf(forwards);
      for (const step of steps) {
        let change: ReturnType<typeof editForwards>;
        try {
          change = editForwards(forwards, step, { template, block });
        } catch {
          continue; // refused: the VM is as it was
        }
        const { forwards: after, taken } = numbers.complete(change.forwards, held);
        const wanted = holdingsOf(after);
        const released = withoutHoldings(held, wanted);
        // What is held and not released is what the forwards need, no more and no less.
        assert.deepEqual(withoutHoldings(wanted, [...held, ...taken]), []);
        assert.deepEqual(withoutHoldings([...held, ...taken], [...wanted, ...released]), []);
        forwards = after;
        held = wanted;
        const rules = packetsOf(forwards);
        assert.equal(new Set(rules.map(({ number }) => number)).size, rules.length);
        assert.equal(new Set(rules.map(({ packets }) => packets)).size, rules.length);
        const names = forwards.map(({ name }) => name.toLowerCase());
        assert.equal(new Set(names).size, names.length);
        for (const forward of forwards.filter(stands)) assert.equal(ruleNumbersOf(forward).length, ruleCount(forward));
      }
    }),
    { numRuns: 300 },
  );
});
