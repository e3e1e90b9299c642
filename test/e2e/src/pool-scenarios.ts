import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '@berth/testing';
import type { Outcome, PoolClient, ScenarioPool } from './pool-client.ts';
import type { RestClient } from './rest-client.ts';

/** What a scenario acts with: the pools by one of the ways in, VMs by REST. */
export interface ScenarioWorld {
  readonly pools: PoolClient;
  readonly api: RestClient;
}

/** A story about pools. It must come out the same whichever way in `pools` is; what it gives back is compared. */
export interface PoolScenario {
  readonly name: string;
  run(world: ScenarioWorld): Promise<unknown>;
}

/** The baseline router's DHCP subnet is 10.10.0.0/16; each scenario has addresses of its own there. */
const ipPool = (name: string, ranges: readonly unknown[], more: Partial<ScenarioPool> = {}): ScenarioPool => ({
  name,
  ...more,
  values: { ranges, ...more.values },
});

const span = (first: string, last: string) => ({ first, last });

function granted<T>(outcome: Outcome<T>): T {
  if (!outcome.ok)
    throw new assert.AssertionError({ message: `refused: ${outcome.code} ${outcome.fields.join(', ')}` });
  return outcome.value;
}

function assertRefused(outcome: Outcome<unknown>, code: string, fields: readonly string[] = []): void {
  assert.deepEqual(outcome, { ok: false, code, fields });
}

const provision = async (api: RestClient, body: Record<string, unknown>) => {
  const { status, body: answer } = await api.provision({ ports: [], ...body });
  return { status, code: answer.code as string | undefined, internal_ip: answer.internal_ip as string | undefined };
};

export const poolScenarios: readonly PoolScenario[] = [
  {
    name: 'a pool is made, read, listed, changed, drained and removed',
    async run({ pools, api }) {
      const wanted = ipPool('life', [span('10.10.20.0', '10.10.20.7')], {
        description: 'for a test',
        groups: ['blue', 'green'],
      });
      assertRefused(await pools.create('ip-pools', { ...wanted, groups: ['nobody'] }), 'UNKNOWN_GROUP', ['groups']);
      const made = granted(await pools.create('ip-pools', wanted));
      assert.deepEqual(granted(await pools.get('ip-pools', 'life')), made);
      assert.ok(granted(await pools.list('ip-pools', 1)).includes('life'));
      const changed = granted(await pools.update('ip-pools', 'life', { description: 'changed', groups: [] }));
      assert.deepEqual(
        [changed.description, changed.groups, changed.values['ranges']],
        ['changed', [], made.values['ranges']],
      );
      assert.ok(changed.version > made.version);
      assert.equal(granted(await pools.drain('ip-pools', 'life')).state, 'draining');
      assert.equal(granted(await pools.drain('ip-pools', 'life')).state, 'draining');
      const refused = await provision(api, { vm_name: 'life-1', pool: 'life' });
      assert.equal(refused.code, 'POOL_NOT_ACTIVE');
      assert.equal(granted(await pools.undrain('ip-pools', 'life')).state, 'active');
      const vm = await provision(api, { vm_name: 'life-1', pool: 'life' });
      assert.equal(vm.status, 201);
      assert.equal((await api.decommission('life-1')).status, 200);
      assert.equal(granted(await pools.delete('ip-pools', 'life')), null);
      const gone = await pools.get('ip-pools', 'life');
      assertRefused(gone, 'POOL_NOT_FOUND');
      return [made, changed, vm, gone];
    },
  },
  {
    name: 'a name that is taken, an overlap and what is not there are told apart',
    async run({ pools }) {
      granted(await pools.create('ip-pools', ipPool('first', [span('10.10.21.0', '10.10.21.31')])));
      const twice = await pools.create('ip-pools', ipPool('first', [span('10.10.21.64', '10.10.21.95')]));
      assertRefused(twice, 'POOL_NAME_TAKEN');
      const overlapping = await pools.create('ip-pools', ipPool('second', [span('10.10.21.31', '10.10.21.40')]));
      assertRefused(overlapping, 'POOL_OVERLAP');
      const beside = granted(await pools.create('ip-pools', ipPool('second', [span('10.10.21.32', '10.10.21.40')])));
      const grown = await pools.update('ip-pools', 'second', {
        values: { ranges: [span('10.10.21.30', '10.10.21.40')] },
      });
      assertRefused(grown, 'POOL_OVERLAP');
      assert.deepEqual(granted(await pools.get('ip-pools', 'second')).values, beside.values, 'nothing of it was kept');
      const missing = [
        await pools.update('ip-pools', 'nowhere', { description: 'x' }),
        await pools.delete('ip-pools', 'nowhere'),
        await pools.drain('ip-pools', 'nowhere'),
        await pools.allocations('ip-pools', 'nowhere', 10),
        await pools.reserve('ip-pools', 'nowhere', { count: 1, note: '' }),
      ];
      for (const outcome of missing) assertRefused(outcome, 'POOL_NOT_FOUND');
      return [beside, missing];
    },
  },
  {
    name: 'what is wrong is named, and nothing is kept',
    async run({ pools }) {
      const bad = async (values: Record<string, unknown>, more: Partial<ScenarioPool> = {}) =>
        pools.create('ip-pools', { name: 'bad', ...more, values });
      const outcomes = [
        await bad({ cidrs: ['10.10.22.1/24'] }),
        await bad({ cidrs: ['10.10.22.0/33'] }),
        await bad({ ranges: [span('10.10.22.9', '10.10.22.1')] }),
        await bad({ ranges: [span('10.10.22.1', '10.10.22.9'), span('10.10.22.9', '10.10.22.12')] }),
        await bad({ ranges: [span('192.168.99.1', '192.168.99.9')] }),
        await bad({ cidrs: ['2001:db8::/64'] }),
        await bad({ ranges: [span('10.10.22.1', '10.10.22.9')] }, { name: 'no good' }),
        await bad({ ranges: [span('10.10.22.1', '10.10.22.9')] }, { alert_thresholds: [0.9, 0.5] }),
        await bad({}),
        await pools.create('port-pools', { name: 'bad', values: { ranges: [{ first: 80, last: 90 }] } }),
        await pools.create('port-pools', { name: 'bad', values: { ranges: [{ first: 65_000, last: 65_536 }] } }),
        await pools.create('rule-pools', { name: 'bad', values: { ranges: [{ first: 999_999, last: 1_000_000 }] } }),
      ];
      for (const outcome of outcomes) {
        assert.ok(!outcome.ok, JSON.stringify(outcome));
        assert.ok(outcome.fields.length > 0, JSON.stringify(outcome));
      }
      assertRefused(await pools.get('ip-pools', 'bad'), 'POOL_NOT_FOUND');
      return outcomes;
    },
  },
  {
    name: 'values are reserved by hand, for ever or for a time, and released',
    async run({ pools, api }) {
      granted(await pools.create('ip-pools', ipPool('kept', [span('10.10.23.1', '10.10.23.4')])));
      const named = granted(await pools.reserve('ip-pools', 'kept', { first: '10.10.23.2', note: 'the printer’s' }));
      assert.deepEqual([named.first, named.last, named.note], ['10.10.23.2', '10.10.23.2', 'the printer’s']);
      assertRefused(await pools.reserve('ip-pools', 'kept', { first: '10.10.23.2', note: '' }), 'VALUE_TAKEN');
      const run = granted(await pools.reserve('ip-pools', 'kept', { count: 2, note: 'a pair' }));
      assert.deepEqual([run.first, run.last], ['10.10.23.3', '10.10.23.4']);
      assertRefused(await pools.reserve('ip-pools', 'kept', { count: 2, note: '' }), 'ADDRESS_POOL_EXHAUSTED');
      assert.equal((await provision(api, { vm_name: 'kept-1', pool: 'kept' })).internal_ip, '10.10.23.1');
      const full = await provision(api, { vm_name: 'kept-2', pool: 'kept' });
      assert.deepEqual([full.status, full.code], [507, 'ADDRESS_POOL_EXHAUSTED']);
      const use = granted(await pools.get('ip-pools', 'kept')).use;
      assert.deepEqual(use, { size: 4, free: 0, held: 1, reserved: 3, quarantined: 0 });
      const held = granted(await pools.allocations('ip-pools', 'kept', 1));
      assert.deepEqual(
        held.map(({ first, last, holder, vm_name, note }) => [first, last, holder, vm_name, note]),
        [
          ['10.10.23.1', '10.10.23.1', 'vm', 'kept-1', ''],
          ['10.10.23.2', '10.10.23.2', 'reservation', '', 'the printer’s'],
          ['10.10.23.3', '10.10.23.4', 'reservation', '', 'a pair'],
        ],
      );
      assertRefused(await pools.delete('ip-pools', 'kept'), 'POOL_IN_USE');
      assertRefused(
        await pools.update('ip-pools', 'kept', { values: { ranges: [span('10.10.23.1', '10.10.23.3')] } }),
        'POOL_IN_USE',
      );
      assert.equal(granted(await pools.release('ip-pools', 'kept', run.id)), null);
      assertRefused(await pools.release('ip-pools', 'kept', run.id), 'RESERVATION_NOT_FOUND');
      assert.equal((await provision(api, { vm_name: 'kept-2', pool: 'kept' })).internal_ip, '10.10.23.3');
      granted(await pools.reserve('ip-pools', 'kept', { first: '10.10.23.4', note: 'soon over', lifetime_seconds: 1 }));
      await eventually(async () => granted(await pools.get('ip-pools', 'kept')).use.reserved === 1);
      return [use, held];
    },
  },
  {
    name: 'VMs that name no pool get their values from their group’s',
    async run({ pools, api }) {
      const made = granted(
        await pools.create(
          'ip-pools',
          ipPool('of-red', [span('10.10.24.1', '10.10.24.9')], { groups: ['red'], default: true }),
        ),
      );
      granted(
        await pools.create('port-pools', {
          name: 'of-red',
          groups: ['red'],
          default: true,
          values: {
            ranges: [{ first: 41_000, last: 41_009 }],
            denied: [{ first: 41_000, last: 41_001 }],
            protocols: ['tcp'],
          },
        }),
      );
      granted(
        await pools.create('rule-pools', {
          name: 'of-red',
          groups: ['red'],
          default: true,
          values: { ranges: [{ first: 7_000, last: 7_099 }] },
        }),
      );
      const red = await api.provision({ vm_name: 'red-1', owner_group: 'red', ports: ['ssh'] });
      assert.equal(red.status, 201, JSON.stringify(red.body));
      assert.deepEqual(
        [red.body.internal_ip, red.body.external_ports.ssh, red.body.nat_rule_base],
        ['10.10.24.1', 41_002, 7_000],
      );
      const udp = await api.provision({
        vm_name: 'red-2',
        owner_group: 'red',
        ports: [{ name: 'dns', protocol: 'udp', internal_port: 53 }],
      });
      assert.deepEqual([udp.status, udp.body.code], [422, 'PROTOCOL_NOT_IN_POOL']);
      const others = await provision(api, { vm_name: 'blue-1', owner_group: 'blue', pool: 'of-red' });
      assert.deepEqual([others.status, others.code], [422, 'UNKNOWN_POOL']);
      const blue = await provision(api, { vm_name: 'blue-1', owner_group: 'blue' });
      assert.equal(blue.status, 201);
      return [made, red.body.internal_ip];
    },
  },
  {
    name: 'a request that is repeated with its key does nothing twice; another one with that key is refused',
    async run({ pools }) {
      const options = { idempotencyKey: randomUUID() };
      const wanted = ipPool('once', [span('10.10.25.1', '10.10.25.9')]);
      const first = granted(await pools.create('ip-pools', wanted, options));
      assert.deepEqual(granted(await pools.create('ip-pools', wanted, options)), first);
      const other = await pools.create('ip-pools', ipPool('once', [span('10.10.25.1', '10.10.25.8')]), options);
      assertRefused(other, 'IDEMPOTENCY_KEY_REUSED');
      const reserving = { idempotencyKey: randomUUID() };
      const kept = granted(await pools.reserve('ip-pools', 'once', { count: 1, note: 'x' }, reserving));
      assert.deepEqual(granted(await pools.reserve('ip-pools', 'once', { count: 1, note: 'x' }, reserving)), kept);
      assert.equal(granted(await pools.get('ip-pools', 'once')).use.reserved, 1);
      return [first.values, kept.first];
    },
  },
  {
    name: 'a change is refused when somebody else changed the pool meanwhile; a check keeps nothing',
    async run({ pools }) {
      const made = granted(await pools.create('ip-pools', ipPool('versions', [span('10.10.26.1', '10.10.26.9')])));
      const ifVersion = made.version;
      granted(await pools.update('ip-pools', 'versions', { description: 'mine' }, { ifVersion }));
      assertRefused(
        await pools.update('ip-pools', 'versions', { description: 'theirs' }, { ifVersion }),
        'VERSION_MISMATCH',
      );
      assertRefused(await pools.delete('ip-pools', 'versions', { ifVersion }), 'VERSION_MISMATCH');
      const checked = granted(
        await pools.update('ip-pools', 'versions', { description: 'checked' }, { validateOnly: true }),
      );
      assert.equal(checked.description, 'checked');
      assert.equal(granted(await pools.get('ip-pools', 'versions')).description, 'mine');
      granted(
        await pools.create('ip-pools', ipPool('only-checked', [span('10.10.26.20', '10.10.26.29')]), {
          validateOnly: true,
        }),
      );
      assertRefused(await pools.get('ip-pools', 'only-checked'), 'POOL_NOT_FOUND');
      return checked.values;
    },
  },
  {
    name: 'every value explains itself',
    async run({ pools, api }) {
      granted(await pools.create('ip-pools', ipPool('asked', [span('10.10.27.1', '10.10.27.9')])));
      assert.equal((await provision(api, { vm_name: 'asked-1', pool: 'asked' })).status, 201);
      const explained = {
        held: granted(await pools.explain({ address: '10.10.27.1' })),
        free: granted(await pools.explain({ address: '10.10.27.2' })),
        gateway: granted(await pools.explain({ address: '10.10.0.1' })),
        outside: granted(await pools.explain({ address: '192.168.77.7' })),
        low: granted(await pools.explain({ port: 443 })),
        rule: granted(await pools.explain({ rule_number: 5 })),
      };
      assert.deepEqual(explained.held, { pool: 'ip-pools/asked', free: false, available: false, holders: ['vm'] });
      assert.deepEqual(explained.free, { pool: 'ip-pools/asked', free: true, available: true, holders: [] });
      assert.deepEqual([explained.gateway.free, explained.gateway.holders], [false, ['foreign']]);
      assert.deepEqual([explained.outside.pool, explained.outside.available], ['', false]);
      assert.deepEqual(explained.rule.holders, ['foreign']);
      return explained;
    },
  },
];
