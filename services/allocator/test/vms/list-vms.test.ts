import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ListVmsRequest, type ListVmsRequestSchema, VmOrder, VmService, VmState } from '@berth/contracts';
import { request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

type ListInit = Omit<Exclude<MessageInitShape<typeof ListVmsRequestSchema>, ListVmsRequest>, 'principal'>;

const page = (world: World, init: ListInit, principal = aPrincipal()) =>
  request(world.bus, VmService.method.listVms, { principal, ...init }, { timeoutMs: 20_000 });

const namesOf = async (world: World, init: ListInit, principal = aPrincipal()): Promise<string[]> => {
  const { vms, nextPageToken } = await page(world, { pageSize: 2, ...init }, principal);
  const names = vms.map(({ name }) => name);
  if (nextPageToken === '') return names;
  return [...names, ...(await namesOf(world, { ...init, pageToken: nextPageToken }, principal))];
};

/** Five VMs that differ in all that can be asked for. */
async function someVms(t: TestContext): Promise<World> {
  const world = await makeWorld(t);
  const at = (address: string) => ({ addressRange: { first: address, last: address } });
  await world.provisioned({ vmName: 'delta', ownerGroup: 'blue', ...at('10.0.0.9') });
  await world.provisioned({
    vmName: 'Alpha',
    ownerGroup: 'blue',
    ...at('10.0.0.100'),
    metadata: { team: '50%_\\off' },
  });
  await world.provisioned({ vmName: 'charlie', ownerGroup: 'red', ...at('10.0.1.2'), hostname: 'box' });
  const forwards = [{ name: 'range', internalPort: 80, externalPort: 40_000, externalPortEnd: 40_009 }];
  await world.provisioned({ vmName: 'Bravo', macAddress: '52:54:00:00:00:0a', ...at('10.0.0.20'), forwards });
  await world.provision({ vmName: 'echo', ...at('10.0.2.2') });
  const failed = await world.provision({ vmName: 'foxtrot', ...at('10.0.3.3') });
  await world.driver.settle(failed.vmId, { applied: false });
  await world.ended(failed);
  return world;
}

test('VMs are listed in each order, both ways, page by page', async (t) => {
  const world = await someVms(t);
  const orders: [VmOrder, string[]][] = [
    [VmOrder.UNSPECIFIED, ['Alpha', 'Bravo', 'charlie', 'delta', 'echo']],
    [VmOrder.NAME, ['Alpha', 'Bravo', 'charlie', 'delta', 'echo']],
    [VmOrder.CREATED_AT, ['delta', 'Alpha', 'charlie', 'Bravo', 'echo']],
    [VmOrder.INTERNAL_IP, ['delta', 'Bravo', 'Alpha', 'charlie', 'echo']],
  ];
  for (const [order, names] of orders) {
    assert.deepEqual(await namesOf(world, { order }), names, String(order));
    assert.deepEqual(await namesOf(world, { order, descending: true }), names.toReversed(), `${order} descending`);
  }
  await world.updateVm('charlie', { metadata: { touched: true } });
  assert.equal((await namesOf(world, { order: VmOrder.UPDATED_AT, descending: true }))[0], 'charlie');
});

test('each filter finds what it names, several together what all of them name', async (t) => {
  const world = await someVms(t);
  const filters: [ListInit['filter'], string[]][] = [
    [{ ownerGroup: 'blue' }, ['Alpha', 'delta']],
    [{ withoutGroup: true }, ['Bravo', 'echo']],
    [{ router: 'default' }, ['Alpha', 'Bravo', 'charlie', 'delta', 'echo']],
    [{ router: 'other' }, []],
    [{ pool: 'ip-pools/default' }, ['Alpha', 'Bravo', 'charlie', 'delta', 'echo']],
    [{ pool: 'ip-pools/none' }, []],
    [{ address: '10.0.0.100' }, ['Alpha']],
    [{ address: '10.0.0.0/24' }, ['Alpha', 'Bravo', 'delta']],
    [{ externalPort: 40_005 }, ['Bravo']],
    [{ externalPort: 40_010 }, []],
    [{ states: [VmState.PROVISIONING] }, ['echo']],
    [{ states: [VmState.PROVISIONING, VmState.ACTIVE], ownerGroup: 'red' }, ['charlie']],
    [{ macAddress: '5254.0000.000A' }, ['Bravo']],
    [{ text: 'LPH' }, ['Alpha']],
    [{ text: 'box' }, ['charlie']],
    [{ text: '0.1.2' }, ['charlie']],
    [{ text: '50%_' }, ['Alpha']],
    [{ text: '%' }, ['Alpha']],
    [{ text: '_' }, ['Alpha']],
    [{ text: "'; DROP TABLE vms; --" }, []],
    [{ ownerGroup: 'blue', text: 'a', address: '10.0.0.0/28' }, ['delta']],
  ];
  for (const [filter, names] of filters) {
    assert.deepEqual(await namesOf(world, { filter }), names, JSON.stringify(filter));
  }
  const wrong: ListInit['filter'][] = [
    { address: '10.0.0.1/24' },
    { address: 'x' },
    { externalPort: 65_536 },
    { macAddress: 'x' },
    { states: [VmState.UNSPECIFIED] },
    { text: 'x'.repeat(256) },
    { ownerGroup: 'a', withoutGroup: true },
  ];
  for (const filter of wrong)
    await assert.rejects(page(world, { filter }), { kind: 'invalid' }, JSON.stringify(filter));
});

test('a caller of a group sees its own alone, whatever it filters for', async (t) => {
  const world = await someVms(t);
  const blue = aPrincipal({ group: 'blue' });
  assert.deepEqual(await namesOf(world, {}, blue), ['Alpha', 'delta']);
  assert.deepEqual(await namesOf(world, { filter: { ownerGroup: 'red' } }, blue), []);
  assert.deepEqual(await namesOf(world, { filter: { address: '10.0.0.0/16' } }, blue), ['Alpha', 'delta']);
});

test('a caller of two groups sees both as one list in order, page by page', async (t) => {
  const world = await someVms(t);
  const both = aPrincipal({ group: 'blue', grants: [{ group: 'red', permissions: ['vms:read'] }] });
  const everybodys = await world.list(100);
  const expected = [
    ...(await world.list(100, aPrincipal({ group: 'blue' }))),
    ...(await world.list(100, aPrincipal({ group: 'red' }))),
  ].flat();
  const seen = (await world.list(1, both)).flat();
  assert.deepEqual([...seen].sort(), [...expected].sort());
  assert.deepEqual(
    seen,
    everybodys.flat().filter((name) => seen.includes(name)),
    'in the order of the whole list',
  );
  assert.ok(expected.length > (await world.list(100, aPrincipal({ group: 'blue' }))).flat().length);
  const { nextPageToken: pageToken } = await page(world, { pageSize: 1 }, both);
  await assert.rejects(page(world, { pageToken }, aPrincipal({ group: 'blue' })), { code: 'PAGE_TOKEN_INVALID' });
});

test('a page token is of one filter and one order, and of one caller’s group', async (t) => {
  const world = await someVms(t);
  const { nextPageToken: pageToken } = await page(world, { pageSize: 2 });
  assert.equal((await page(world, { pageSize: 3, pageToken })).vms.length, 3);
  const bad = { kind: 'invalid', code: 'PAGE_TOKEN_INVALID' };
  await assert.rejects(page(world, { pageToken, order: VmOrder.CREATED_AT }), bad);
  await assert.rejects(page(world, { pageToken, descending: true }), bad);
  await assert.rejects(page(world, { pageToken, filter: { text: 'a' } }), bad);
  await assert.rejects(page(world, { pageToken }, aPrincipal({ group: 'blue' })), bad);
  for (const garbage of ['x', 'bnVsbA', Buffer.from('["a","b","c"]').toString('base64url')]) {
    await assert.rejects(page(world, { pageToken: garbage }), bad);
  }
});

test('a page token whose place was changed is refused, whatever the list is ordered by', async (t) => {
  const world = await makeWorld(t);
  for (const vmName of ['a', 'b']) await world.provision({ vmName });
  const moments = ['garbage', '2026-02-31 00:00:00+00', '2026-01-01 25:00:00+00', '0000-01-01 00:00:00+00', 'infinity'];
  const changed: [VmOrder, string[]][] = [
    [VmOrder.NAME, ['a\u0000b', 'x'.repeat(256)]],
    [VmOrder.CREATED_AT, moments],
    [VmOrder.UPDATED_AT, moments],
    [VmOrder.INTERNAL_IP, ['garbage', '10.0.0.300/32', '10.0.0.0/24', '10.0.0.1/32/32']],
  ];
  for (const [order, keys] of changed) {
    const { nextPageToken: token } = await page(world, { pageSize: 1, order });
    assert.equal((await page(world, { pageToken: token, order })).vms.length, 1);
    const [query, , id] = JSON.parse(Buffer.from(token, 'base64url').toString());
    for (const key of keys) {
      const pageToken = Buffer.from(JSON.stringify([query, key, id])).toString('base64url');
      await assert.rejects(page(world, { pageToken, order }), { kind: 'invalid', code: 'PAGE_TOKEN_INVALID' }, key);
    }
  }
});

test('a page ends where the next VM would not go into the message, and the list goes on from there', async (t) => {
  const world = await makeWorld(t);
  for (const vmName of ['a', 'b', 'c', 'd', 'e']) await world.provision({ vmName });
  await world.query("UPDATE vms SET metadata = jsonb_build_object('text', repeat('x', 300000))");
  assert.deepEqual(await world.list(0), [['a', 'b'], ['c', 'd'], ['e']]);
  await world.query("UPDATE vms SET metadata = jsonb_build_object('text', repeat('x', 900000))");
  assert.deepEqual(await world.list(2), [['a'], ['b'], ['c'], ['d'], ['e']]);
});

test('VMs that come and go between two pages move nobody out of the list', async (t) => {
  const world = await someVms(t);
  const first = await page(world, { pageSize: 2 });
  await world.provisioned({ vmName: 'aaa' });
  await world.applied(await world.decommission('Bravo'), 2n);
  const rest = await page(world, { pageSize: 9, pageToken: first.nextPageToken });
  assert.deepEqual(
    rest.vms.map(({ name }) => name),
    ['charlie', 'delta', 'echo'],
  );
});
