import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AccessChangedSchema, AccessService, LimitService, Permission } from '@berth/contracts';
import { listen, request } from '@berth/messaging';
import { eventually, type TestScope } from '@berth/testing';
import { timestampDate, timestampMs } from '@bufbuild/protobuf/wkt';
import { clockOf } from '../src/adapters/postgres/clock.ts';
import { asUser, newUser, peopleClient } from './support/people.ts';
import { admin, client, idOf, newWorld, principal, type World, withCode } from './support/world.ts';

const { method } = LimitService;
const options = { timeoutMs: 10_000 };
const hour = { endpointGroup: 'vms', windowSeconds: 3_600, windowStart: 1_800_000n };
const ask = (subject: string, limit: bigint, needed: number, extra = 0) => ({
  ...{ window: { subject, ...hour }, limit, needed, extra },
});
const rule = { subject: 'user', endpointGroup: '', windowSeconds: 60, requests: 5n, mode: 'block' };

/** The id of an admin key. */
const newKey = async ({ bus }: World): Promise<string> =>
  idOf(await client(bus).create({ permission: Permission.ADMIN }));

async function twoReplicas(t: TestScope, settings: Parameters<World['replica']>[0] = {}) {
  const world = await newWorld(t);
  await world.replica(settings);
  await world.replica(settings);
  const call = {
    lease: (asks: ReturnType<typeof ask>[]) => request(world.bus, method.leaseQuota, { asks }, options),
    report: (subject: string, refusals: number) =>
      request(world.bus, method.reportRefusals, { counts: [{ subject, refusals }] }, options),
    blocks: async () => (await request(world.bus, method.listBlocks, { principal: admin }, options)).blocks,
    facts: async () => (await request(world.bus, AccessService.method.getAccessFacts, {}, options)).facts,
    set: (rules: (typeof rule)[], ifVersion = 0n) =>
      request(world.bus, method.setLimits, { context: { principal: admin, ifVersion }, rules }, options),
  };
  return { world, call };
}

test('a hundred leases at once, of two limits each in any order, take exactly the limit and not one more', async (t) => {
  const { world, call } = await twoReplicas(t);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, at) => {
      const asks = [ask('user:a', 250n, 3, 10), ask('user:b', 40n, 1)];
      return call
        .lease(at % 2 === 0 ? asks : asks.toReversed())
        .then(({ grants }) => (at % 2 === 0 ? grants : grants.toReversed()));
    }),
  );
  const sum = (which: number) => answers.reduce((total, grants) => total + (grants[which]?.granted ?? 0), 0);
  assert.deepEqual([sum(0), sum(1)], [250, 40]);
  const database = await world.database();
  const rows = await database.query<{ taken: string }>('SELECT taken FROM limit_windows ORDER BY subject');
  assert.deepEqual(
    rows.map(({ taken }) => taken),
    ['250', '40'],
  );
});

test('what one asks for in advance shrinks as the end of the limit comes near; what is needed is given to the last', async (t) => {
  const { call } = await twoReplicas(t);
  const granted = async (needed: number, extra: number) =>
    (await call.lease([ask('user:a', 100n, needed, extra)])).grants[0]?.granted;
  assert.equal(await granted(1, 50), 13);
  assert.equal(await granted(80, 50), 80);
  assert.equal(await granted(0, 50), 0);
  assert.equal(await granted(20, 50), 7);
  assert.equal(await granted(1, 1), 0);
});

test('an answer to a lease, also to an empty one, tells the time of the database', async (t) => {
  const { world, call } = await twoReplicas(t);
  const database = await world.database();
  for (const asks of [[], [ask('user:a', 10n, 1)]]) {
    const before = await clockOf(database);
    const { now } = await call.lease(asks);
    const after = await clockOf(database);
    const told = now === undefined ? Number.NaN : timestampMs(now);
    assert.ok(before.getTime() <= told && told <= after.getTime(), `${told} is not within ${before} and ${after}`);
  }
});

test('units come back once, although the same return comes twice', async (t) => {
  const { world, call } = await twoReplicas(t);
  await call.lease([ask('user:a', 10n, 10)]);
  const back = { id: randomUUID(), returns: [{ window: { subject: 'user:a', ...hour }, units: 4 }] };
  await Promise.all([1, 2, 3].map(() => request(world.bus, method.returnQuota, back, options)));
  assert.equal((await call.lease([ask('user:a', 10n, 10)])).grants[0]?.granted, 4);
});

test('a window that is named twice is refused and takes nothing', async (t) => {
  const { call } = await twoReplicas(t);
  await assert.rejects(call.lease([ask('user:a', 10n, 1), ask('user:a', 10n, 1)]), withCode('MALFORMED_COMMAND'));
  assert.equal((await call.lease([ask('user:a', 10n, 10)])).grants[0]?.granted, 10);
});

test('of two who change the limits of one version one wins, and everybody is told of them', async (t) => {
  const { world, call } = await twoReplicas(t);
  const { version } = await request(world.bus, method.getLimits, { principal: admin }, options);
  const outcomes = await Promise.allSettled([
    call.set([rule], version),
    call.set([{ ...rule, mode: 'slow' }], version),
  ]);
  const lost = outcomes.find((outcome) => outcome.status === 'rejected');
  assert.ok(withCode('VERSION_MISMATCH')(lost?.reason));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  const told = (await call.facts()).find(({ fact }) => fact.case === 'limits')?.fact;
  assert.ok(told?.case === 'limits' && JSON.parse(told.value.rules).rules[0].requests === 5);
  await assert.rejects(call.set([rule, { ...rule, requests: 9n }]), withCode('INVALID_REQUEST'));
  await assert.rejects(call.set([{ ...rule, windowSeconds: 61 }]), withCode('INVALID_REQUEST'));
  const viewer = { principal: principal('viewer') };
  await assert.rejects(
    request(world.bus, method.setLimits, { context: viewer, rules: [] }, options),
    withCode('PERMISSION_DENIED'),
  );
});

test('limits that are set as they are, and a block in the place of another, tell what they change', async (t) => {
  const { world, call } = await twoReplicas(t);
  const { version } = await call.set([rule]);
  assert.equal((await call.set([rule])).version, version);
  const subject = 'ip:198.51.100.7';
  for (const reason of ['Scans ports.', 'Scans all ports.']) {
    await request(world.bus, method.addBlock, { context: { principal: admin }, subject, reason, seconds: 0n }, options);
  }
  const entries = await (await world.database()).query<{ action: string; was: string | null; is: string | null }>(
    "SELECT action, before->>'reason' AS was, after->>'reason' AS is FROM audit_entries WHERE action <> 'api_key.created' ORDER BY arrival",
  );
  assert.deepEqual(
    entries.map(({ action, was, is }) => [action, was, is]),
    [
      ['limit.changed', null, null],
      ['address.blocked', null, 'Scans ports.'],
      ['address.blocked', 'Scans ports.', 'Scans all ports.'],
    ],
  );
});

test('what was used is told of an address, a user or a key; a subject that is none of them is refused', async (t) => {
  const { world } = await twoReplicas(t);
  const usageOf = (subject: string) => request(world.bus, method.listUsage, { principal: admin, subject }, options);
  for (const subject of ['ip:198.51.100.7', 'user:a', 'key:a']) assert.deepEqual((await usageOf(subject)).usages, []);
  for (const wrong of ['a', 'users:a', 'ip:', 'user:'])
    await assert.rejects(usageOf(wrong), withCode('INVALID_REQUEST'));
});

test('refusals that many gateways report lead to one block, twice as long after the next ones, told and published', async (t) => {
  const { world, call } = await twoReplicas(t, { blocking: { afterRefusals: 50, firstSeconds: 60 } });
  const events: string[] = [];
  listen(world.bus, 'events.access.>', AccessChangedSchema, ({ subjectId }) => void events.push(subjectId));
  await world.bus.connection.flush();
  const subject = 'ip:198.51.100.7';
  const storm = () => Promise.all(Array.from({ length: 12 }, () => call.report(subject, 10)));
  const seconds = async () => {
    const [block] = await call.blocks();
    assert.ok(block?.until && block.blockedAt && block.automatic);
    return (timestampDate(block.until).getTime() - timestampDate(block.blockedAt).getTime()) / 1_000;
  };
  await storm();
  assert.equal((await call.blocks()).length, 1);
  assert.equal(await seconds(), 60);
  const told = (await call.facts()).find(({ fact }) => fact.case === 'block')?.fact;
  assert.ok(told?.case === 'block' && told.value.subject === subject && told.value.until);
  await eventually(() => events.length === 1);
  const database = await world.database();
  await database.execute("UPDATE blocks SET until = now() - interval '1 minute'"); // its time has passed
  assert.deepEqual(await call.blocks(), []);
  await storm();
  assert.equal(await seconds(), 120);
});

test('a block that somebody adds is told, and lifted only once', async (t) => {
  const { world, call } = await twoReplicas(t);
  const context = { principal: admin };
  const add = (subject: string) =>
    request(world.bus, method.addBlock, { context, subject, reason: 'Scans ports.', seconds: 0n }, options);
  const subject = `key:${await newKey(world)}`;
  const lift = () => request(world.bus, method.liftBlock, { context, subject }, options);
  const { block } = await add(subject);
  assert.deepEqual([block?.until, block?.by, block?.byName], [undefined, admin.id, admin.name]);
  assert.deepEqual(
    (await call.blocks()).map(({ byName }) => byName),
    [admin.name],
  );
  await assert.rejects(add('nonsense'), withCode('INVALID_REQUEST'));
  const outcomes = await Promise.allSettled([lift(), lift()]);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  await assert.rejects(lift(), withCode('BLOCK_NOT_FOUND'));
  const told = (await call.facts()).find(({ fact }) => fact.case === 'block')?.fact;
  assert.ok(told?.case === 'block' && told.value.until === undefined);
  const audited = await (await world.database()).query<{ action: string }>(
    "SELECT action FROM audit_entries WHERE action LIKE '%blocked' ORDER BY arrival",
  );
  assert.deepEqual(
    audited.map(({ action }) => action),
    ['api_key.blocked', 'api_key.unblocked'],
  );
});

test('only who is there is kept out', async (t) => {
  const { world, call } = await twoReplicas(t);
  const context = { principal: admin };
  const add = (subject: string) =>
    request(world.bus, method.addBlock, { context, subject, reason: 'r', seconds: 0n }, options);
  const gone = await newKey(world);
  await client(world.bus).remove(gone);
  for (const id of [gone, randomUUID(), 'abc']) {
    await assert.rejects(add(`key:${id}`), withCode('API_KEY_NOT_FOUND'), id);
  }
  for (const id of [randomUUID(), '42', 'abc']) {
    await assert.rejects(add(`user:${id}`), withCode('USER_NOT_FOUND'), id);
  }
  assert.deepEqual(await call.blocks(), []);
});

test('nobody keeps themselves out, nor who may do more; of two who keep each other out at once one stays', async (t) => {
  const { world, call } = await twoReplicas(t);
  const people = peopleClient(world.bus);
  const chief = await newUser(people, 'chief', 'admin');
  const clerk = await newUser(people, 'clerk', 'viewer');
  const add = (by: object, subject: string) =>
    request(world.bus, method.addBlock, { context: { principal: by }, subject, reason: 'r', seconds: 0n }, options);
  const holding = (id: string, ...permissions: string[]) => ({ ...admin, id, permissions });
  const adminKey = await newKey(world);
  const helper = holding('helper', 'limits:admin', 'vms:read', 'pools:read', 'operations:read', 'routers:read');
  await assert.rejects(add(helper, 'key:helper'), withCode('OWN_BLOCK'));
  await assert.rejects(add(asUser(chief).principal, `user:${chief.id}`), withCode('OWN_BLOCK'));
  for (const subject of [`user:${chief.id}`, `key:${adminKey}`]) {
    await assert.rejects(add(helper, subject), withCode('PERMISSIONS_TOO_WIDE'));
  }
  await add(helper, `user:${clerk.id}`);
  await add(admin, `user:${chief.id}`);
  const [one, two] = [await newKey(world), await newKey(world)];
  const outcomes = await Promise.allSettled([
    add(holding(one, '*'), `key:${two}`),
    add(holding(two, '*'), `key:${one}`),
  ]);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  const out = (await call.blocks()).map(({ subject }) => subject);
  assert.equal(out.filter((subject) => subject.startsWith('key:')).length, 1);
});
