import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import fc from 'fast-check';
import { parseAddressRange } from '../ipv4.ts';
import { lengthOf, type NumberRange } from '../number-range.ts';
import type { DhcpSubnet, Router } from '../routers/router.ts';
import { defaultPools } from './default-pools.ts';
import type { IpPoolSpec, Pool, PoolSpec, PortPoolSpec, RulePoolSpec } from './pool.ts';
import { gaveWay, type SegmentRanges, segmentsOf, shareOut, siteOfPool } from './pool-segments.ts';

const site = { wanInterface: 'eth0', externalIp: '203.0.113.2', dhcpNetwork: 'LAN', dhcpSubnet: '0.0.0.0/28' };
const subnetAt = (network: string, subnet: string, gateway: string): DhcpSubnet => ({
  network,
  subnet,
  gateway,
  subnetId: 0,
  nameServers: [],
  leaseSeconds: 0,
});
const router: Pick<Router, 'site' | 'gateway' | 'subnets' | 'interfaces'> = {
  site,
  gateway: '0.0.0.12',
  subnets: [subnetAt('LAN', '0.0.0.0/28', '0.0.0.12'), subnetAt('DMZ', '0.0.0.32/28', '0.0.0.33')],
  interfaces: [{ name: 'eth4', addresses: ['198.51.100.9/24'], dynamic: false }],
};

const ip: IpPoolSpec = {
  kind: 'ip-pools',
  cidrs: [],
  ranges: [],
  exclusions: [],
  gateway: '',
  dns: [],
  leaseSeconds: 0,
  dhcpNetwork: '',
  subnet: '',
  subnetId: 0,
};
const port: PortPoolSpec = { kind: 'port-pools', externalIp: '', interface: '', ranges: [], denied: [], protocols: [] };
const rule: RulePoolSpec = { kind: 'rule-pools', ranges: [], exclusions: [] };

const aPool = (name: string, spec: PoolSpec, more: Partial<Pool> = {}): Pool => ({
  id: name,
  name,
  router: 'r',
  description: '',
  groups: [],
  isDefault: false,
  state: 'active',
  spec,
  alertThresholds: [],
  fromSettings: false,
  version: 1,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  ...more,
});

const rangesIn = (segments: readonly SegmentRanges[], kind: string, poolId: string | null, externalIp = '') =>
  segments
    .find((one) => one.space.kind === kind && one.space.externalIp === externalIp && one.poolId === poolId)
    ?.ranges.map(({ first, last }) => `${first}-${last}`);

test('a pool has no network, broadcast, gateway or excluded address, and nothing outside its subnet', () => {
  const whole = aPool('whole', { ...ip, cidrs: ['0.0.0.0/24'], exclusions: [{ first: 3, last: 4 }] });
  assert.deepEqual(rangesIn(segmentsOf(whole, router), 'address', 'whole'), ['1-2', '5-11', '13-14']);
  const ownGateway = aPool('own', { ...ip, ranges: [{ first: 36, last: 60 }], gateway: '0.0.0.40' });
  assert.deepEqual(rangesIn(segmentsOf(ownGateway, router), 'address', 'own'), ['36-39', '41-46']);
  const nowhere = aPool('nowhere', { ...ip, cidrs: ['10.0.0.0/24'] });
  assert.deepEqual(rangesIn(segmentsOf(nowhere, router), 'address', 'nowhere'), []);
  const unknown = aPool('unknown', { ...ip, cidrs: ['10.0.0.0/30'], subnet: '10.0.0.0/29', gateway: '10.0.0.1' });
  assert.deepEqual(rangesIn(segmentsOf(unknown, router), 'address', 'unknown'), ['167772162-167772163']);
});

test('a pool decides where its VMs go, as far as it says', () => {
  const sites = [
    { ...ip, ranges: [{ first: 36, last: 37 }] },
    { ...ip, ranges: [{ first: 1, last: 2 }], dhcpNetwork: 'OTHER', subnet: '0.0.0.0/30' },
    { ...ip, cidrs: ['10.0.0.0/24'] },
    port,
    { ...port, externalIp: '198.51.100.9' },
    { ...port, externalIp: '198.51.100.9', interface: 'eth7' },
    rule,
  ].map((spec) => siteOfPool({ spec }, router));
  assert.deepEqual(sites, [
    { dhcpNetwork: 'DMZ', dhcpSubnet: '0.0.0.32/28' },
    { dhcpNetwork: 'OTHER', dhcpSubnet: '0.0.0.0/30' },
    {},
    {},
    { externalIp: '198.51.100.9', wanInterface: 'eth4' },
    { externalIp: '198.51.100.9', wanInterface: 'eth7' },
    {},
  ]);
});

test('the settings’ pools hand out what they did before pools could be managed', () => {
  const settings = {
    addressRange: { first: 10, last: 100 },
    portRange: { first: 32_000, last: 33_000 },
    ruleRange: { first: 10_000, last: 999_999 },
  };
  const pools = defaultPools(settings, site).map((spec) => aPool(spec.kind, spec));
  const segments = shareOut({ ...router, subnets: [] }, pools);
  assert.deepEqual(rangesIn(segments, 'address', 'ip-pools'), ['10-11', '13-14']);
  assert.deepEqual(rangesIn(segments, 'address', null), ['1-9']);
  assert.deepEqual(rangesIn(segments, 'udp', 'port-pools', site.externalIp), ['32000-33000']);
  assert.deepEqual(rangesIn(segments, 'tcp', null, site.externalIp), ['1024-31999', '33001-65535']);
  assert.deepEqual(rangesIn(segments, 'rule', 'rule-pools'), ['10000-999999']);
  assert.equal(rangesIn(segments, 'rule', null), undefined);
});

test('what callers may name besides is every subnet and address that is known, without pools', () => {
  const pools = [
    aPool('edge', { ...ip, ranges: [{ first: 36, last: 60 }], gateway: '0.0.0.40' }),
    aPool('web', { ...port, externalIp: '198.51.100.9', ranges: [{ first: 2_000, last: 65_000 }], protocols: ['tcp'] }),
  ];
  const segments = shareOut(router, pools, [{ kind: 'tcp', externalIp: '192.0.2.1' }]);
  assert.deepEqual(rangesIn(segments, 'address', null), ['1-11', '13-14', '34-35']);
  assert.deepEqual(rangesIn(segments, 'tcp', null, '198.51.100.9'), ['1024-1999', '65001-65535']);
  assert.deepEqual(rangesIn(segments, 'udp', null, '198.51.100.9'), ['1024-65535']);
  assert.deepEqual(rangesIn(segments, 'tcp', null, '192.0.2.1'), ['1024-65535']);
});

test('a pool that is written may not overlap another, of others the younger goes without; pools of other addresses and kinds do not overlap', () => {
  const older = aPool('older', { ...port, ranges: [{ first: 2_000, last: 2_009 }], protocols: ['udp'] });
  const younger = aPool('younger', { ...port, ranges: [{ first: 2_009, last: 2_020 }] }, { createdAt: new Date(1) });
  for (const written of ['older', 'younger']) {
    assert.throws(() => shareOut(router, [younger, older], [], written), {
      code: 'POOL_OVERLAP',
      message: 'port-pools/older and port-pools/younger have values in common.',
    });
  }
  const elsewhere = {
    ...younger,
    spec: { ...port, ranges: [{ first: 2_009, last: 2_020 }], externalIp: '198.51.100.9' },
  };
  const rules = aPool('rules', { ...rule, ranges: [{ first: 2_000, last: 2_009 }] });
  for (const written of ['older', 'younger', 'rules']) shareOut(router, [older, elsewhere, rules], [], written);
  const yielded = shareOut(router, [younger, older, rules], [], 'rules');
  assert.deepEqual(rangesIn(yielded, 'udp', 'younger', site.externalIp), ['2010-2020']);
  assert.deepEqual(rangesIn(yielded, 'tcp', 'younger', site.externalIp), ['2009-2020']);
});

test('a pool of the settings goes without what others have, under each protocol by itself', () => {
  const settings = aPool('settings', { ...port, ranges: [{ first: 2_000, last: 2_009 }] }, { fromSettings: true });
  const inside = aPool(
    'inside',
    { ...port, ranges: [{ first: 2_003, last: 2_004 }], protocols: ['tcp'] },
    { createdAt: new Date(1) },
  );
  for (const written of [undefined, 'settings', 'inside']) {
    const segments = shareOut(router, [settings, inside], [], written);
    assert.deepEqual(rangesIn(segments, 'tcp', 'settings', site.externalIp), ['2000-2002', '2005-2009']);
    assert.deepEqual(rangesIn(segments, 'tcp', 'inside', site.externalIp), ['2003-2004']);
    assert.deepEqual(rangesIn(segments, 'udp', 'settings', site.externalIp), ['2000-2009']);
    const own = segments.filter(({ poolId }) => poolId === 'settings');
    const space = { kind: 'tcp', externalIp: site.externalIp };
    assert.deepEqual(gaveWay(settings, router, own), [
      { space, poolId: 'settings', ranges: [{ first: 2_003, last: 2_004 }] },
    ]);
  }
});

const someRange = fc.tuple(fc.nat(60), fc.nat(9)).map(([first, more]) => ({ first, last: first + more }));
const someRanges = fc.array(someRange, { maxLength: 3 });
const portRange = someRange.map(({ first, last }) => ({ first: first + 1_020, last: last + 1_020 }));
const somePools = fc
  .array(
    fc.oneof(
      fc
        .record({
          ranges: someRanges,
          exclusions: someRanges,
          cidrs: fc.constantFrom([], ['0.0.0.8/29'], ['0.0.0.32/28']),
          subnet: fc.constantFrom('', '0.0.0.32/28'),
        })
        .map((some): PoolSpec => ({ ...ip, ...some })),
      fc
        .record({
          ranges: fc.array(portRange, { maxLength: 3 }),
          denied: fc.array(portRange, { maxLength: 2 }),
          externalIp: fc.constantFrom('', '203.0.113.2', '198.51.100.9'),
          protocols: fc.constantFrom<('tcp' | 'udp')[]>([], ['tcp'], ['udp']),
        })
        .map((some): PoolSpec => ({ ...port, ...some })),
      fc.record({ ranges: someRanges, exclusions: someRanges }).map((some): PoolSpec => ({ ...rule, ...some })),
    ),
    { maxLength: 6 },
  )
  .map((specs) => specs.map((spec, index) => aPool(`p${index}`, spec, { createdAt: new Date(index) })));

const numbersOf = (ranges: readonly NumberRange[]): number[] =>
  ranges.flatMap((range) => Array.from({ length: lengthOf(range) }, (_, index) => range.first + index));

function assertApart(ranges: readonly NumberRange[]): void {
  const inOrder = ranges.toSorted((a, b) => a.first - b.first);
  for (const [index, range] of inOrder.entries()) {
    assert.ok(range.first > (inOrder[index - 1]?.last ?? -1), `${range.first}-${range.last} is in two segments`);
  }
}

function assertAsWritten(pools: readonly Pool[], segments: readonly SegmentRanges[]): void {
  for (const { ranges, poolId } of segments) {
    const { spec } = pools.find(({ id }) => id === poolId) ?? {};
    if (spec === undefined) continue;
    const taken = new Set(numbersOf(spec.kind === 'port-pools' ? spec.denied : spec.exclusions));
    const cidrs = spec.kind === 'ip-pools' ? spec.cidrs.flatMap((cidr) => parseAddressRange(cidr) ?? []) : [];
    const written = new Set(numbersOf([...spec.ranges, ...cidrs]));
    for (const number of numbersOf(ranges)) assert.ok(!taken.has(number) && written.has(number), `${number}`);
  }
}

function assertNobodyYielded(pools: readonly Pool[], segments: readonly SegmentRanges[]): void {
  for (const pool of pools) {
    assert.deepEqual(shareOut(router, pools, [], pool.id), segments);
    const own = segments.filter(({ poolId }) => poolId === pool.id);
    assert.deepEqual(gaveWay(pool, router, own), []);
  }
}

test('no number is in two segments, and no pool gets more than it is written to have', () => {
  let refused = 0;
  let accepted = 0;
  fc.assert(
    fc.property(somePools, (pools) => {
      const segments = shareOut(router, pools);
      for (const inSpace of Map.groupBy(segments, ({ space }) => `${space.kind} ${space.externalIp}`).values()) {
        assertApart(inSpace.flatMap(({ ranges }) => ranges));
      }
      assertAsWritten(pools, segments);
      try {
        assertNobodyYielded(pools, segments);
        accepted++;
      } catch (error) {
        assert.ok(error instanceof DomainError && error.code === 'POOL_OVERLAP', String(error));
        refused++;
      }
    }),
  );
  assert.ok(refused > 0 && accepted > 0, 'both happen');
});
