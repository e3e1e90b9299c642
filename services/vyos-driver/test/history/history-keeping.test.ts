import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type Database, openDatabase } from '@berth/database';
import { freshDatabase } from '@berth/testing';
import { addEntry } from '../../src/adapters/postgres/history/history-rows.ts';
import { PostgresCommitLog } from '../../src/adapters/postgres/history/postgres-commit-log.ts';
import { PostgresHistoryKeeper } from '../../src/adapters/postgres/history/postgres-history-keeper.ts';
import { PostgresHistoryStore } from '../../src/adapters/postgres/history/postgres-history-store.ts';
import { migrations } from '../../src/adapters/postgres/migrations/index.ts';
import { keepHistory } from '../../src/app/history/keep-history.ts';
import { type ConfigLine, type ConfigState, changeOf, type LineChange } from '../../src/domain/history/config-line.ts';
import { driverSchema } from '../support/driver-schema.ts';

async function openHistory(t: TestContext) {
  const { url } = await freshDatabase(t, driverSchema);
  const database = await openDatabase({ url, schema: 'vyos_driver', migrations, applicationName: 'test' });
  t.after(() => database.close());
  await database.migrate();
  await database.execute(`INSERT INTO routers (name, saved_at) VALUES ('default', now())`);
  return {
    database,
    store: new PostgresHistoryStore(database),
    keeper: new PostgresHistoryKeeper(database),
    log: new PostgresCommitLog(database),
  };
}

/** The same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const keyOf = (n: number) => `nat\ndestination\nrule\n${10_000 + n}`;

/** Something that a commit may do to the state; at most `most` lines. */
function randomChanges(state: ConfigState, random: (below: number) => number, most: number): LineChange[] {
  const changes = new Map<string, LineChange>();
  for (let n = random(most + 1); n > 0; n--) {
    const key = keyOf(random(400));
    const after: Omit<ConfigLine, 'key'> = {
      resourceId: `vm-${random(50)}`,
      content: {
        description: `text ${random(1_000)}`,
        protocol: 'tcp',
        translation: { address: `10.10.0.${random(250)}` },
      },
    };
    const before = state.get(key);
    if (random(4) === 0 && before !== undefined) changes.set(key, changeOf(key, before, undefined));
    else changes.set(key, changeOf(key, before, after));
  }
  return [...changes.values()];
}

const asObject = (state: ConfigState | undefined) =>
  state && Object.fromEntries([...state].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Writes a random history; gives back what stood after each entry, the first at 0. */
async function writeHistory(database: Database, seed: number, count: number, most: number): Promise<ConfigState[]> {
  const random = randomFrom(seed);
  const states: ConfigState[] = [new Map()];
  await database.transaction(async (sql) => {
    for (let n = 0; n < count; n++) {
      const state = new Map(states[n]);
      const changes = randomChanges(state, random, most);
      for (const { key, after } of changes) {
        if (after === undefined) state.delete(key);
        else state.set(key, { key, ...after });
      }
      states.push(state);
      const resources = [...new Set(changes.map(({ before, after }) => (after ?? before)?.resourceId ?? ''))];
      await addEntry(sql, 'default', {
        ...{
          id: randomUUID(),
          kind: 'change',
          state: 'applied',
          epoch: 1n,
          message: '',
          operations: changes.length,
          changes,
        },
        resources: resources.map((resourceId) => ({ resourceId, purpose: 'change', causes: [] })),
      });
    }
  });
  return states;
}

/** However long the history, any state is read from a snapshot and changes that are hardly larger than it. */
async function assertNear(database: Database): Promise<void> {
  const rows = await database.query<{ commits: number; bytes: number; snapshot: number; largest: number }>(
    `SELECT count(*)::integer AS commits, sum(length(changes))::integer AS bytes, max(length(changes)) AS largest,
       coalesce((SELECT length(content) FROM history_snapshots AS one WHERE one.number = nearest.number), 0) AS snapshot
     FROM history_commits AS entry CROSS JOIN LATERAL
       (SELECT coalesce(max(number), 0) AS number FROM history_snapshots AS one WHERE one.number < entry.number) AS nearest
     GROUP BY nearest.number`,
  );
  for (const { commits, bytes, snapshot, largest } of rows) {
    assert.ok(commits <= 500, `${commits} commits to read`);
    assert.ok(bytes <= Math.max(32_768, snapshot) + largest, `${bytes} bytes of changes, a snapshot of ${snapshot}`);
  }
}

const untilDone = async (step: () => Promise<boolean>) => {
  while (await step());
};

for (const [seed, count, most] of [
  [11, 550, 2],
  [12, 200, 40],
] as const) {
  test(`what stood after each of ${count} random commits of up to ${most} lines is what the model says, before and after snapshots and folding`, async (t) => {
    const { database, store, keeper } = await openHistory(t);
    const states = await writeHistory(database, seed, count, most);
    const assertStates = async (from: number) => {
      for (let number = from; number < states.length; number += 37) {
        const state = await store.stateAfter('default', BigInt(number));
        assert.deepEqual(asObject(state), asObject(states[number]), `after ${number}`);
      }
    };
    await assertStates(0);
    await untilDone(() => keeper.takeSnapshot('default'));
    const [kept] = await database.query<{ count: number }>('SELECT count(*)::integer AS count FROM history_snapshots');
    assert.ok((kept?.count ?? 0) >= 1);
    await assertStates(0);
    await assertNear(database);
    assert.equal(await keeper.fold('default', { days: 90, commits: count - 100 }), true);
    assert.equal(await keeper.fold('default', { days: 90, commits: count - 100 }), false);
    await assertStates(100);
    assert.equal(await store.stateAfter('default', 50n), undefined);
    const [rest] = await database.query<{ count: number }>('SELECT count(*)::integer AS count FROM history_commits');
    assert.equal(rest?.count, count - 100);
  });
}

test('the lines that are known to stand are those after the newest commit', async (t) => {
  const { database } = await openHistory(t);
  const states = await writeHistory(database, 13, 100, 10);
  const rows = await database.query<{ path: string; resource_id: string; content: ConfigLine['content'] }>(
    'SELECT path, resource_id, content FROM config_lines',
  );
  const found = new Map(
    rows.map((row) => [row.path, { key: row.path, resourceId: row.resource_id, content: row.content }]),
  );
  assert.deepEqual(asObject(found), asObject(states.at(-1)));
});

test('what is older than it shall be is folded, the newest ten stay, and the past begins there', async (t) => {
  const { database, store, keeper } = await openHistory(t);
  const states = await writeHistory(database, 14, 60, 5);
  await database.execute(
    `UPDATE history_commits SET ended_at = date_trunc('milliseconds', now()) - interval '100 days' + number * interval '1 minute'`,
  );
  const settings = { days: 90, commits: 10_000 };
  await Promise.all([
    keepHistory(keeper, settings, new AbortController().signal),
    keepHistory(keeper, settings, new AbortController().signal),
  ]);
  const [rest] = await database.query<{ count: number; first: string }>(
    'SELECT count(*)::integer AS count, min(number) AS first FROM history_commits',
  );
  assert.deepEqual([rest?.count, rest?.first], [10, '51']);
  const at = async (sql: string) => {
    const [row] = await database.query<{ at: string }>(`SELECT ${sql} AS at FROM history_commits WHERE number = 51`);
    return store.numberAt('default', { kind: 'time', at: new Date(row?.at ?? '') });
  };
  assert.equal(await at('ended_at'), 51n);
  assert.equal(await at(`ended_at - interval '30 seconds'`), 50n);
  assert.equal(await at(`ended_at - interval '90 seconds'`), undefined);
  assert.deepEqual(asObject(await store.stateAfter('default', 50n)), asObject(states[50]));
  assert.deepEqual(asObject(await store.stateAfter('default', 60n)), asObject(states[60]));
});

test('what resources were is folded too: the last of each stays, removed ones go', async (t) => {
  const { database, keeper, log } = await openHistory(t);
  await writeHistory(database, 15, 40, 2);
  const fragment = (n: number) => JSON.stringify({ rules: [], n });
  for (const [id, number, content] of [
    ['a', 0, fragment(0)],
    ['a', 5, fragment(5)],
    ['a', 35, fragment(35)],
    ['b', 3, fragment(3)],
    ['b', 9, null],
    ['c', 12, fragment(12)],
  ] as const) {
    await database.execute(
      `INSERT INTO fragment_versions (router, resource_id, number, fragment, owner_group) VALUES ('default', $1, $2, $3, 'g')`,
      [id, number, content],
    );
  }
  const after = async (number: bigint) =>
    (await log.fragmentsAfter('default', number, { limit: 10, after: '' })).map(({ resource_id, fragment: one }) => [
      resource_id,
      Reflect.get(one, 'n'),
    ]);
  const all = new Map<bigint, unknown>();
  for (const number of [30n, 34n, 35n, 40n]) all.set(number, await after(number));
  assert.deepEqual(await after(4n), [
    ['a', 0],
    ['b', 3],
  ]);
  assert.equal(await keeper.fold('default', { days: 90, commits: 10 }), true);
  for (const [number, expected] of all) assert.deepEqual(await after(number), expected, String(number));
  const [rows] = await database.query<{ count: number }>('SELECT count(*)::integer AS count FROM fragment_versions');
  assert.equal(rows?.count, 3);
});

test('a batch stays while its entry does, and while a reboot could bring back what it put there', async (t) => {
  const { database, keeper } = await openHistory(t);
  const batch = async (id: string, ageDays: number, state: string, resources: readonly string[]) => {
    await database.execute(
      `INSERT INTO batches (id, router, epoch, state, operations, estimate_ms, deadline, sent_at, ended_at)
       VALUES ($1, 'default', 1, $2, '[]', 1, now(), now() - $3 * interval '1 day', now() - $3 * interval '1 day')`,
      [id, state, ageDays],
    );
    for (const resource of resources) {
      await database.execute(
        `INSERT INTO batch_changes (batch_id, resource_id, router, purpose, incarnation, number, fragment, causes, before, after, claims)
         VALUES ($1, $2, 'default', 'change', 1, 1, '{}', '[]', '{}', '{}', '[]')`,
        [id, resource],
      );
    }
  };
  const [old, older, refused, gone, recent] = Array.from({ length: 5 }, () => randomUUID()) as [
    string,
    string,
    string,
    string,
    string,
  ];
  await batch(older, 30, 'applied', ['lives', 'removed']);
  await batch(old, 20, 'applied', ['lives']);
  await batch(refused, 10, 'refused', ['lives']);
  await batch(gone, 20, 'applied', ['removed']);
  await batch(recent, 0.5, 'applied', ['removed']);
  await database.execute(`INSERT INTO owned_paths (router, path, resource_id) VALUES ('default', 'p', 'lives')`);
  const left = async () => (await database.query<{ id: string }>('SELECT id FROM batches')).map(({ id }) => id).sort();
  await untilDone(() => keeper.dropBatches('default'));
  assert.deepEqual(await left(), [old, refused, recent].sort());
  await database.execute(`UPDATE routers SET saved_at = now() - interval '15 days'`);
  await database.execute('DELETE FROM owned_paths');
  await untilDone(() => keeper.dropBatches('default'));
  assert.deepEqual(await left(), [refused, recent].sort()); // what was sent since the last save may still be undone by a reboot
});

test('of a removed resource the last verdict stays for ever, of one that lives all', async (t) => {
  const { database, keeper } = await openHistory(t);
  for (const [id, applied] of [
    ['removed', null],
    ['lives', '{"rules":[]}'],
  ] as const) {
    await database.execute(
      `INSERT INTO resources (router, resource_id, owner_group, wanted_incarnation, wanted_number, causes, operation_ids,
         settled_incarnation, settled_number, applied) VALUES ('default', $1, '', 1, 3, '[]', '{}', 1, 3, $2)`,
      [id, applied],
    );
    for (const number of [1, 2, 3]) {
      await database.execute(
        `INSERT INTO verdicts (router, resource_id, incarnation, number, verdict, settled_at)
         VALUES ('default', $1, 1, $2, 'applied', now() - interval '40 days')`,
        [id, number],
      );
    }
  }
  await untilDone(() => keeper.dropVerdicts(30));
  const rows = await database.query<{ resource_id: string; number: string }>(
    'SELECT resource_id, number FROM verdicts ORDER BY resource_id, number',
  );
  assert.deepEqual(
    rows.map((row) => `${row.resource_id} ${row.number}`),
    ['lives 1', 'lives 2', 'lives 3', 'removed 3'],
  );
});
