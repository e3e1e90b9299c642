import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeWorld, type World } from '../support/world.ts';
import { booksAtRest } from './history-books.ts';
import { checkBooks, checkHistory, type Finding } from './history-checker.ts';
import { HistoryRouter } from './history-router.ts';
import { allDone, Client, historyPools, restMs, runHistory, untilNothingMoves } from './history-run.ts';

/** `npm run bench -- history` runs it for longer. */
const forMs = Number(process.env['BERTH_HISTORY_SECONDS'] ?? 4) * 1_000;

const first = (findings: readonly Finding[]) => findings.slice(0, 5);

test('whatever 64 clients ask of 4 allocators that come and go, no value is ever held twice, and none is lost', async (t) => {
  const world = await makeWorld(t, { replicas: 0, routerKnown: false });
  const { events, asked, kills } = await runHistory(t, world, {
    clients: 64,
    replicas: 4,
    forMs,
    leastReleases: 30,
    killEveryMs: 1_200,
    judge: { applied: 0.9, stood: 0.5, everyMs: 20 },
  });
  assert.deepEqual(first(checkHistory(events, { restMs })), []);
  assert.deepEqual(first(checkBooks(events, await booksAtRest(world))), []);
  t.diagnostic(`${asked} requests, ${events.length} grants and releases, ${kills} kills in ${forMs} ms`);
});

interface SmallHistory {
  readonly world: World;
  readonly router: HistoryRouter;
  ask(times: number): Promise<void>;
  /** With a bug seeded, a request may end in any way. */
  askAnyway(times: number): Promise<void>;
}

/** A world of one allocator and eight clients, in which a router takes everything. */
async function withSmallHistory(
  t: TestContext,
  work: (history: SmallHistory) => Promise<void>,
  quarantineMs = restMs,
): Promise<void> {
  const config = { pools: historyPools, quarantineMs, resendAfterSeconds: 1 };
  const world = await makeWorld(t, { config });
  const router = new HistoryRouter(world, { applied: 1, stood: 0, everyMs: 5 });
  const clients = Array.from({ length: 8 }, (_, index) => new Client(`client-${index}`, world, router));
  const askAll = () => clients.map((client) => client.askOnce());
  try {
    await work({
      world,
      router,
      async ask(times) {
        for (let round = 0; round < times; round++) await allDone(askAll());
      },
      async askAnyway(times) {
        for (let round = 0; round < times; round++) await Promise.allSettled(askAll());
      },
    });
  } finally {
    await router.stop();
  }
}

test('seeded bug: without the constraint, and with free spans that lie, values that are held twice are found', (t) =>
  withSmallHistory(t, async ({ world, router, ask, askAnyway }) => {
    await ask(10);
    assert.deepEqual(checkHistory(router.events, { restMs }), []);
    await world.query('ALTER TABLE allocations DROP CONSTRAINT one_holder');
    await world.query('DELETE FROM free_spans');
    await world.query(
      'INSERT INTO free_spans (segment_id, first, last) SELECT segment_id, lower(span), upper(span) - 1 FROM segment_ranges',
    );
    await askAnyway(10);
    const whats = new Set(checkHistory(router.events, { restMs }).map(({ what }) => what));
    assert.ok(whats.has('held twice'), [...whats].join());
  }));

test('seeded bug: values that nobody lets rest are found with the next who gets them', (t) =>
  withSmallHistory(
    t,
    async ({ world, router, ask }) => {
      const whats = () => checkHistory(router.events, { restMs: 60_000 }).map(({ what }) => what);
      await ask(20);
      assert.deepEqual(whats(), []);
      await world.query(
        `CREATE FUNCTION no_rest() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.until := now(); RETURN NEW; END'`,
      );
      await world.query(
        `CREATE TRIGGER no_rest BEFORE UPDATE ON allocations FOR EACH ROW WHEN (NEW.kind = 'quarantine') EXECUTE FUNCTION no_rest()`,
      );
      await world.query("UPDATE allocations SET until = now() WHERE kind = 'quarantine'");
      await untilNothingMoves(world);
      await ask(10);
      assert.deepEqual(new Set(whats()), new Set(['held while it rests for another']));
    },
    60_000,
  ));

test('seeded bug: a span that is dropped is a loss, and a value that is not given up is found with a VM that is gone', (t) =>
  withSmallHistory(t, async ({ world, router, ask }) => {
    await ask(10);
    await untilNothingMoves(world);
    const found = async () => new Set(checkBooks(router.events, await booksAtRest(world)).map(({ what }) => what));
    assert.deepEqual(await found(), new Set());
    await world.query(
      `INSERT INTO allocations (space_id, held, kind, vm_id) SELECT s.id, int8range(600000, 600001), 'vm', gen_random_uuid()
       FROM spaces s WHERE s.kind = 'rule'`,
    );
    assert.deepEqual(await found(), new Set(['held by a VM that is gone']));
    await world.query('DELETE FROM allocations WHERE held = int8range(600000, 600001)');
    await world.query('DELETE FROM free_spans WHERE length = (SELECT min(length) FROM free_spans)');
    assert.deepEqual(await found(), new Set(['lost']));
  }));
