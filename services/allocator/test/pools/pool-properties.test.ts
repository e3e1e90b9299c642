import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolSchema } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { assertBooksBalance, poolSide, portPool, smallPools } from '../support/pool-side.ts';
import { makeWorld } from '../support/world.ts';

type PoolInit = Exclude<MessageInitShape<typeof PoolSchema>, { $typeName: string }>;

/** Right, nearly right and absurd, so that much of it gets far. */
const text = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('', 'a', 'A-1.x_y', '-a', 'a/b', 'a\u0000b', 'a\nb', '\u202e', 'x'.repeat(300), 'ä'),
  },
  fc.string({ unit: 'grapheme', maxLength: 80 }),
);
const address = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }).map((last) => `10.0.2.${last}`) },
  fc.constantFrom(
    '',
    '10.0.0.0',
    '10.0.0.1',
    '10.9.0.1',
    '010.0.2.1',
    '256.1.1.1',
    'fd00::1',
    'x',
    '10.0.2.1/24',
    '\u0000',
  ),
);
const prefix = fc.oneof(
  fc.constantFrom(
    '10.0.2.0/28',
    '10.0.2.16/28',
    '10.0.2.1/24',
    '10.0.0.0/8',
    '0.0.0.0/0',
    '10.0.2.0/24/1',
    '10.0.2.0/99',
    'fd00::/64',
    '/',
  ),
  address,
);
const number = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 40_000, max: 40_040 }) },
  fc.constantFrom(0, 1, 80, 1_023, 1_024, 65_535, 65_536, 999_999, 1_000_000, 2 ** 32 - 1),
);
const addressSpan = fc.record({ first: address, last: fc.oneof(fc.constant(''), address) });
const numberSpan = fc.record({ first: number, last: fc.oneof(fc.constant(0), number) });
const few = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 3 });
const small = fc.integer({ min: 0, max: 9 });

const ip = fc.record(
  {
    cidrs: few(prefix),
    ranges: few(addressSpan),
    exclusions: few(addressSpan),
    gateway: address,
    dns: few(address),
    leaseSeconds: number,
    dhcpNetwork: text,
    subnet: prefix,
    subnetId: number,
    family: small,
  },
  { requiredKeys: ['ranges'] },
);
const port = fc.record(
  { externalIp: address, interface: text, ranges: few(numberSpan), denied: few(numberSpan), protocols: few(small) },
  { requiredKeys: ['ranges'] },
);
const rule = fc.record({ ranges: few(numberSpan), exclusions: few(numberSpan) }, { requiredKeys: ['ranges'] });
const values = fc.oneof(
  ip.map((value) => ({ case: 'ip' as const, value })),
  port.map((value) => ({ case: 'port' as const, value })),
  rule.map((value) => ({ case: 'rule' as const, value })),
  fc.constant({ case: undefined }),
);
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constant('fitting') },
  fc.tuple(fc.constantFrom('ip-pools', 'port-pools', 'rule-pools', 'x'), text).map(([kind, id]) => `${kind}/${id}`),
  text,
);
const rare = <T>(usual: T, one: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, one);
const kinds = { ip: 'ip-pools', port: 'port-pools', rule: 'rule-pools' } as const;

const pool: fc.Arbitrary<PoolInit> = fc
  .record({
    name,
    router: rare('', text),
    description: rare('', text),
    groups: rare<string[]>([], few(text)),
    isDefault: fc.boolean(),
    state: rare(0, small),
    alertThresholds: rare<number[]>([], few(fc.oneof(fc.double({ min: 0, max: 1 }), fc.double()))),
    values,
  })
  .map((init) =>
    init.name === 'fitting' && init.values.case ? { ...init, name: `${kinds[init.values.case]}/x` } : init,
  )
  .map((init) => init as PoolInit); // codes of enumerations that nobody knows, too

/** One that nothing is wrong with, so that some are made whatever the others come to. */
const fitting: fc.Arbitrary<PoolInit> = fc
  .tuple(fc.integer({ min: 40_000, max: 40_039 }), fc.nat({ max: 20 }))
  .map(([first, more]) => ({
    name: 'port-pools/x',
    values: { case: 'port', value: { ranges: [{ first, last: first + more }] } },
  }));

/** A refusal is one that names each wrong field, or a collision with another pool. */
function assertForeseen(error: unknown): void {
  if (isKind(error, 'conflict')) {
    assert.match(error.code, /^POOL_(OVERLAP|NAME_TAKEN|IN_USE)$/);
    return;
  }
  assert.ok(isKind(error, 'invalid'), String(error));
  const { fields = [] } = error.details;
  assert.ok(fields.length > 0, error.message);
  for (const { field } of fields) assert.match(field, /^[a-z_]+(\.[a-z_]+)?(\[\d+\](\.(first|last))?)?$/);
}

test('whatever pool is asked for, it is made whole or every wrong field is named and nothing is kept', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const pools = poolSide(world);
  const stored = () => world.query<{ pools: number }>('SELECT count(*)::int AS pools FROM pools');
  const before = await stored();
  let made = 0;
  const anyPool = fc.oneof({ weight: 5, arbitrary: pool }, { weight: 1, arbitrary: fitting });
  const property = fc.asyncProperty(anyPool, async (init) => {
    try {
      const answer = await pools.createPool({ pool: create(PoolSchema, init) });
      made++;
      assert.ok((answer.use?.size ?? 0n) > 0n);
      await pools.deletePool({ name: answer.name });
    } catch (error) {
      assertForeseen(error);
    }
    assert.deepEqual(await stored(), before);
  });
  await fc.assert(property, { numRuns: 300 });
  assert.ok(made > 5, `${made} were made`);
  await assertBooksBalance(world);
});

test('whatever update is asked for, the pool takes it or stays as it was', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const pools = poolSide(world);
  const fixed = 'port-pools/x';
  await pools.createPool(portPool('x', 40_000, 40_039));
  await pools.reserve({ pool: fixed, first: '40007' });
  const path = fc.oneof(
    fc.constantFrom(
      'description',
      'groups',
      'is_default',
      'state',
      'alert_thresholds',
      'port',
      'port.ranges',
      'port.denied',
      '*',
    ),
    fc.constantFrom('ip', 'rule.ranges', 'version', 'name', 'router', 'port.protocols', 'port.external_ip', 'x.y', ''),
  );
  const mask = fc.option(few(path), { nil: undefined });
  const property = fc.asyncProperty(pool, mask, async (init, paths) => {
    const before = await pools.getPool({ name: fixed });
    const message = { ...init, name: fixed };
    try {
      const after = await pools.updatePool({
        pool: create(PoolSchema, message),
        ...(paths && { updateMask: { paths } }),
      });
      assert.ok(after.version === before.version || after.version === before.version + 1n);
      assert.equal(after.use?.reserved, 2n);
    } catch (error) {
      assertForeseen(error);
      assert.equal((await pools.getPool({ name: fixed })).version, before.version);
    }
  });
  await fc.assert(property, { numRuns: 300 });
  await assertBooksBalance(world);
});
