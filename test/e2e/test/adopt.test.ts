import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually, eventuallyHolds } from '@berth/testing';
import { type BerthUnderTest, below, foreignPart, sharedBerth } from '../src/index.ts';

const shared = sharedBerth({ env: { BERTH_DRIVER_DRIFT_EVERY_MS: '300' } });
const lan = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16';
const two = (n: number) => String(n).padStart(2, '0');
const numbers = Array.from({ length: 30 }, (_, place) => place + 1);

/** Thirty hosts with two forwards each, as people write them; what differs from host to host is what people do differently. */
const hosts = numbers.flatMap((n) => {
  const mapping = `${lan} static-mapping host-${two(n)}`;
  const [ssh, web] = [`nat destination rule ${100 + 2 * n}`, `nat destination rule ${101 + 2 * n}`];
  return [
    `${mapping} mac 52:54:00:${n === 29 ? 'AB' : 'ab'}:00:${two(n)}`,
    `${mapping} ip-address 10.10.0.${100 + n}`,
    ...(n % 3 === 0 ? [`${ssh} inbound-interface name eth0`] : []),
    `${ssh} protocol tcp`,
    `${ssh} destination port ${2200 + n}`,
    `${ssh} translation address 10.10.0.${100 + n}`,
    `${ssh} translation port 22`,
    ...(n % 2 === 0 ? [`${web} destination address 192.0.2.1`, `${web} inbound-interface name eth0`] : []),
    `${web} description 'the site of host ${n}'`,
    `${web} protocol ${n % 5 === 0 ? 'tcp_udp' : 'tcp'}`,
    `${web} destination port ${n % 4 === 0 ? `${8000 + 10 * n}-${8004 + 10 * n}` : 8000 + 10 * n}`,
    `${web} translation address 10.10.0.${100 + n}`,
  ];
});

/** What makes some of it impossible, or harder. */
const odd = [
  'nat destination rule 102 log',
  'nat destination rule 103 source address 203.0.113.0/24',
  'nat destination rule 104 disable',
  'nat destination rule 105 description handmade',
  `${lan} static-mapping host-30 disable`,
  'nat destination rule 200 protocol tcp',
  'nat destination rule 200 destination port 80,443',
  'nat destination rule 200 translation address 10.10.0.101',
  'nat destination rule 201 protocol tcp',
  'nat destination rule 201 destination port 2202',
  'nat destination rule 201 translation address 10.10.0.101',
  'nat destination rule 202 protocol tcp',
  'nat destination rule 202 destination port 5001-5004',
  'nat destination rule 202 translation address 10.10.0.101',
  'nat destination rule 202 translation port 6001-6004',
];

const byHand = [...hosts, ...odd].map((line) => {
  const path = (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));
  return { op: 'set', path };
});

const adoptions = '/v1/routers/default/adoptions';

async function preview({ api }: BerthUnderTest) {
  const answer = await api.get(`${adoptions}/preview`);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

test('adopting is for keys that may administer routers, and says which fields are wrong', async () => {
  const { api } = await shared();
  const { api_key: apiKey } = (await api.post('/v1/admin/api-keys', { permission: 'operator' })).body;
  const asked = await api.get(`${adoptions}/preview`, { apiKey });
  assert.deepEqual([asked.status, asked.body.code], [403, 'PERMISSION_DENIED']);
  const tried = await api.post(adoptions, { all: true }, { apiKey });
  assert.deepEqual([tried.status, tried.body.code], [403, 'PERMISSION_DENIED']);
  const unknown = await api.get('/v1/routers/nowhere/adoptions/preview');
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'ROUTER_UNKNOWN']);
  for (const body of [{}, { all: true, rules: [5] }, { all: true, more: 1 }]) {
    assert.equal((await api.post(adoptions, body)).status, 422);
  }
});

test('what people configured by hand becomes VMs without a change on the router, and is changed and removed like any other', async (t) => {
  const berth = await shared();
  const { api, router } = berth;
  await router.person({ commands: byHand, save: true });
  const before = await router.config();
  const beforeText = JSON.stringify(before);
  const shown = await eventually(
    async () => {
      const body = await preview(berth);
      return body.counts.mappings === 31 ? body : undefined;
    },
    { timeoutMs: 60_000, what: 'the hand-made mappings' },
  );

  await t.test('the preview says of each item what it would be, or why it cannot be adopted', () => {
    assert.deepEqual(shown.counts, { mappings: 31, adoptable_mappings: 30, rules: 64, adoptable_rules: 56 });
    const item = (given: { mapping?: string; rule?: number }) =>
      shown.items.find((one: { mapping: string; rule: number | null }) =>
        given.rule === undefined ? one.mapping === given.mapping && one.rule === null : one.rule === given.rule,
      );
    assert.deepEqual([item({ mapping: 'host-01' }).adoptable, item({ mapping: 'host-01' }).vm_name], [true, 'host-01']);
    assert.equal(item({ mapping: 'host-29' }).mac_address, '52:54:00:AB:00:29');
    assert.match(item({ mapping: 'host-30' }).reason, /disabled/);
    assert.match(item({ rule: 160 }).reason, /host-30/);
    assert.match(item({ rule: 5 }).reason, /10\.10\.0\.5/);
    assert.match(item({ rule: 200 }).reason, /port list 80,443/);
    assert.match(item({ rule: 201 }).reason, /rule 104/);
    assert.match(item({ rule: 104 }).reason, /rule 201/);
    assert.match(item({ rule: 144 }).reason, /rule 5:/); // the baseline's own port 2222
    assert.match(item({ rule: 202 }).reason, /6001-6004/);
    assert.equal(item({ rule: 105 }).forward.name, 'handmade');
    assert.equal(item({ rule: 102 }).forward.name, 'ssh');
  });
  assert.deepEqual((await api.get('/v1/vms')).body.items, []);

  const { commits, saves } = await router.counters();
  await t.test(
    'adopting makes VMs of it, with no commit and no save, and the configuration byte for byte as before',
    async () => {
      const some = await api.post(adoptions, {
        mappings: ['host-01', 'host-30', 'nobody'],
        names: { 'host-01': 'first' },
      });
      assert.equal(some.status, 207, JSON.stringify(some.body));
      assert.deepEqual(
        some.body.results.map((one: { machine_id: string; status: string }) => [one.machine_id, one.status]),
        [
          ['first', 'succeeded'],
          ['mapping host-30', 'failed'],
          ['mapping nobody', 'failed'],
        ],
      );
      assert.equal(some.body.results[1].problem.code, 'NOT_ADOPTABLE');

      const key = { headers: { 'idempotency-key': randomUUID() } };
      assert.equal((await api.post('/v1/admin/groups', { name: 'team', permissions: ['vms:*'] })).status, 201);
      const rest = await api.post(adoptions, { all: true, owner_group: 'team' }, key);
      assert.equal(rest.status, 200, JSON.stringify(rest.body).slice(0, 2_000));
      assert.equal(rest.body.total, 29); // the others, and the printer
      assert.equal(rest.body.succeeded, 29);
      const replayed = await api.post(adoptions, { all: true, owner_group: 'team' }, key);
      assert.equal(replayed.headers.get('idempotency-replayed'), 'true');
      assert.equal(replayed.body.id, rest.body.id);
      const again = await api.post(adoptions, { all: true });
      assert.deepEqual([again.status, again.body.code], [409, 'NOTHING_TO_ADOPT']);

      assert.equal(JSON.stringify(await router.config()), beforeText);
      const now = await router.counters();
      assert.deepEqual([now.commits, now.saves], [commits, saves]);
      assert.deepEqual((await preview(berth)).counts, {
        mappings: 1,
        adoptable_mappings: 0,
        rules: 8,
        adoptable_rules: 0,
      });

      const vm = (await api.get('/v1/vms/host-02')).body;
      assert.deepEqual([vm.internal_ip, vm.hostname, vm.owner_group], ['10.10.0.102', 'host-02', 'team']);
      const first = (await api.get('/v1/vms/first/forwards')).body.forwards;
      assert.deepEqual(
        first.map((one: { name: string; external_port: number; nat_rule_number: number }) => [
          one.name,
          one.external_port,
          one.nat_rule_number,
        ]),
        [
          ['ssh', 2201, 102],
          ['p8010', 8010, 103],
        ],
      );
    },
  );

  await t.test('values of adopted VMs are held: nobody else gets them', async () => {
    const port = { name: 'game', internal_port: 99, external_port: 8010 };
    const taken = await api.provision({ vm_name: 'late', ports: [port] });
    assert.deepEqual([taken.status, taken.body.code], [409, 'EXTERNAL_PORT_TAKEN'], JSON.stringify(taken.body));
    const mac = await api.provision({ vm_name: 'late', mac_address: '52:54:00:ab:00:29' });
    assert.equal(mac.body.code, 'MAC_TAKEN');
  });

  await t.test('a port action on an adopted VM changes its rule only', async () => {
    const answer = await api.post('/v1/vms/first/ports/ssh', { action: 'disable' });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const expected = structuredClone(before);
    Object.assign(below(expected, 'nat', 'destination', 'rule', '102'), { disable: {} });
    await eventuallyHolds(async () => assert.deepEqual(await router.config(), expected));
    assert.equal((await api.post('/v1/vms/first/ports/ssh', { action: 'enable' })).status, 200);
    assert.deepEqual(await router.config(), before);
  });

  await t.test('decommissioning an adopted VM removes exactly its lines, and what was not adopted stays', async () => {
    const gone = numbers.filter((n) => n !== 30);
    for (const n of gone) {
      const answer = await api.decommission(n === 1 ? 'first' : `host-${two(n)}`);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
    }
    const foreign = {
      mappings: ['printer', 'host-30'],
      rules: ['5', '104', '144', '160', '161', '200', '201', '202'],
    };
    const now = await router.config();
    assert.equal(foreignPart(now, foreign), foreignPart(before, foreign));
    assert.deepEqual(Object.keys(below(now, 'nat', 'destination', 'rule')), foreign.rules);
    await eventuallyHolds(async () => assert.deepEqual(await router.config('saved'), now));
    // The values are for others again.
    await eventuallyHolds(async () => {
      const again = await api.provision({ vm_name: 'host-29', mac_address: '52:54:00:ab:00:29' });
      assert.equal(again.status, 201, JSON.stringify(again.body));
    });
  });
});
