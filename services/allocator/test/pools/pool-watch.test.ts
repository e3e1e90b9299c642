import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PoolChangeKind, type WatchPoolsRequestSchema, WatchPoolsRequestSchema as WatchSchema } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { PoolFeed } from '../../src/adapters/pools/pool-feed.ts';
import { dropOldChanges } from '../../src/adapters/postgres/pools/pool-changes.ts';
import { aCall, ipPool, poolReplica, poolSide, portPool, settingsChanges, smallPools } from '../support/pool-side.ts';
import { makeWorld, silentLog, World } from '../support/world.ts';

const aWorld = (t: TestContext, replicas = 1) => makeWorld(t, { replicas, config: { pools: smallPools } });

type Wish = Exclude<MessageInitShape<typeof WatchPoolsRequestSchema>, { $typeName: string }>;

type Replica = Pick<Awaited<ReturnType<typeof poolReplica>>, 'handlers' | 'onStop'>;

/** What a watcher has heard: each message as "<number after the settings' pools> <what> <pool>". */
class Watcher {
  readonly heard: string[] = [];
  revision = '';
  ended = false;
  readonly #stop = new AbortController();

  constructor({ handlers, onStop }: Replica, wish: Wish = {}, group = '') {
    onStop(() => this.stop());
    const stream = handlers.watchPools(create(WatchSchema, wish), aCall(group), this.#stop.signal);
    void (async () => {
      for await (const { revision = '', change, pool } of stream) {
        this.revision = revision;
        const what = PoolChangeKind[change ?? PoolChangeKind.UNSPECIFIED];
        this.heard.push(
          [Number(revision.split('.')[1]) - settingsChanges, what, ...(pool?.name ? [pool.name] : [])].join(' '),
        );
      }
      this.ended = true;
    })();
  }

  stop(): void {
    this.#stop.abort();
  }

  async hears(count: number): Promise<string[]> {
    await eventually(() => this.heard.length >= count, { what: `${count} messages` });
    return this.heard;
  }
}

test('a watch begins where it is told to, and tells each change once and in order', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const replica = await poolReplica(t, world);
  const { revision } = await pools.listPools({});
  const now = new Watcher(replica);
  await now.hears(1);
  await pools.createPool(portPool('x', 40_000, 40_009));
  const { id: reservationId } = await pools.reserve({ pool: 'port-pools/x' });
  await pools.release({ reservationId });
  await pools.drainPool({ name: 'port-pools/x' });
  await pools.drainPool({ name: 'port-pools/x' });
  await pools.deletePool({ name: 'port-pools/x' });
  const all = ['CREATED', 'RESERVED', 'RELEASED', 'UPDATED', 'DELETED'].map(
    (what, index) => `${index + 1} ${what} port-pools/x`,
  );
  assert.deepEqual(await now.hears(6), ['0 BEGIN', ...all]);
  assert.deepEqual(await new Watcher(replica, { revision }).hears(6), ['0 BEGIN', ...all]);
  const middle = new Watcher(replica, { revision: revision.replace(/\.3$/, '.6') });
  assert.deepEqual(await middle.hears(3), ['3 BEGIN', ...all.slice(3)]);
  assert.equal((await pools.listPools({})).revision, now.revision);
});

test('a watch may be narrowed to a kind or router; a group hears of what is for it', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const replica = await poolReplica(t, world);
  const ip = new Watcher(replica, { kind: 'ip-pools' });
  const elsewhere = new Watcher(replica, { router: 'elsewhere' });
  const blue = new Watcher(replica, {}, 'blue');
  for (const watcher of [ip, elsewhere, blue]) await watcher.hears(1);
  await pools.createPool(portPool('red', 40_000, 40_009, { groups: ['red'] }));
  await pools.createPool(portPool('blue', 41_000, 41_009, { groups: ['blue'] }));
  await pools.createPool(ipPool('all', '10.0.2.0', '10.0.2.9'));
  assert.deepEqual(await ip.hears(2), ['0 BEGIN', '3 CREATED ip-pools/all']);
  assert.deepEqual(await blue.hears(3), ['0 BEGIN', '2 CREATED port-pools/blue', '3 CREATED ip-pools/all']);
  assert.deepEqual(elsewhere.heard, ['0 BEGIN']);
  await assert.rejects(
    async () => {
      const stream = replica.handlers.watchPools(
        create(WatchSchema, { kind: 'x' }),
        aCall(),
        new AbortController().signal,
      );
      for await (const _ of stream);
    },
    { kind: 'invalid' },
  );
});

test('whatever many replicas change at once, every watcher hears all of it in the order of the commits', async (t) => {
  const world = await aWorld(t, 2);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_999));
  const { revision } = await pools.listPools({});
  const one = await poolReplica(t, world);
  const other = await poolReplica(t, world);
  const watchers = [one, one, other].map((replica) => new Watcher(replica, { revision }));
  const made = await Promise.all(Array.from({ length: 40 }, () => pools.reserve({ pool: 'port-pools/x' })));
  // One that goes away again and again, and goes on where it was.
  const heard: string[] = [];
  let from = revision;
  while (heard.length < 40) {
    const watcher = new Watcher(one, { revision: from });
    await watcher.hears(2);
    watcher.stop();
    await eventually(() => watcher.ended);
    heard.push(...watcher.heard.slice(1));
    from = watcher.revision;
  }
  await Promise.all(made.map(({ id: reservationId }) => pools.release({ reservationId })));
  const numbers = Array.from({ length: 80 }, (_, index) => `${index + 2}`);
  for (const watcher of watchers) {
    const all = (await watcher.hears(81)).slice(1);
    assert.deepEqual(
      all.map((text) => text.split(' ')[0]),
      numbers,
    );
    assert.deepEqual(all.slice(0, heard.length), heard.slice(0, all.length));
  }
});

test('a revision of which not all that followed is known is answered with a reset, and the stream ends', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const replica = await poolReplica(t, world);
  const { revision: first } = await pools.listPools({});
  await pools.createPool(portPool('x', 40_000, 40_009));
  await pools.drainPool({ name: 'port-pools/x' });
  const generation = first.replace(/\.3$/, '');
  const resets = async (revision: string) => {
    const watcher = new Watcher(replica, { revision });
    await eventually(() => watcher.ended, { what: `the reset of ${revision}` });
    return watcher.heard;
  };
  for (const wrong of [
    'x',
    '.',
    'x.1',
    `${generation}.6`,
    `${generation}.x`,
    `${generation}.1.1`,
    `${generation}.-1`,
  ]) {
    assert.deepEqual(await resets(wrong), ['2 RESET'], wrong);
  }
  const watching = new Watcher(replica);
  assert.deepEqual(await watching.hears(1), ['2 BEGIN']);
  await world.query("UPDATE pool_changes SET at = now() - interval '8 days' WHERE revision <= 4");
  assert.equal(await dropOldChanges(world.database), 4);
  assert.deepEqual(await resets(first), ['2 RESET']);
  assert.deepEqual(await new Watcher(replica, { revision: `${generation}.4` }).hears(2), [
    '1 BEGIN',
    '2 UPDATED port-pools/x',
  ]);
  // A restored database counts anew under another incarnation.
  await world.query('UPDATE installation SET incarnation = incarnation + 1');
  await pools.undrainPool({ name: 'port-pools/x' });
  await eventually(() => watching.ended);
  assert.equal(watching.heard.at(-1), '3 RESET');
  assert.deepEqual(await resets(`${generation}.5`), ['3 RESET']);
});

test('a watcher before whom all that it has not read was dropped is told to begin anew', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const { handlers } = await poolReplica(t, world);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const stream = handlers.watchPools(create(WatchSchema, {}), aCall(), stop.signal)[Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.change, PoolChangeKind.BEGIN); // it reads on only when it is asked to
  await pools.createPool(portPool('x', 40_000, 40_009));
  await world.query("UPDATE pool_changes SET at = now() - interval '8 days'");
  await dropOldChanges(world.database);
  const { value } = await stream.next();
  assert.deepEqual([value?.change, value?.revision], [PoolChangeKind.RESET, (await pools.listPools({})).revision]);
  assert.equal((await stream.next()).done, true);
});

test('who misses the bell hears of changes all the same', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const feed = new PoolFeed({ database: world.database, log: silentLog() });
  t.after(() => feed.stop());
  const { revision } = await feed.head();
  const woken = feed.moreThan(revision, new AbortController().signal);
  await pools.createPool(portPool('x', 40_000, 40_009));
  await woken;
  assert.equal((await feed.after(revision)).length, 1);
});

test('a watch of a replica that is stopped ends with "unavailable"', async (t) => {
  const world = await aWorld(t);
  const feed = new PoolFeed({ database: world.database, log: silentLog() });
  const { revision } = await feed.head();
  const waiting = feed.moreThan(revision, new AbortController().signal);
  await feed.stop();
  await waiting;
  await assert.rejects(async () => feed.moreThan(revision, new AbortController().signal), { kind: 'unavailable' });
});

test('what the settings make and change is told like what people do', async (t) => {
  const world = await aWorld(t);
  const replica = await poolReplica(t, world);
  const { revision } = await poolSide(world).listPools({});
  const watcher = new Watcher(replica, { revision: revision.replace(/\.3$/, '.0') });
  assert.deepEqual(await watcher.hears(4), [
    '-3 BEGIN',
    '-2 CREATED ip-pools/default',
    '-1 CREATED port-pools/default',
    '0 CREATED rule-pools/default',
  ]);
  const portRange = { first: 32_000, last: 32_999 };
  const changed = new World(t, { ...world, config: { ...world.config, pools: { ...smallPools, portRange } } });
  await changed.startReplica();
  assert.equal((await watcher.hears(5)).at(-1), '1 UPDATED port-pools/default');
});
