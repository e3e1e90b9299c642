import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { grpcPools, poolScenarios, ReflectionClient, restPools, startBerth } from '../src/index.ts';

interface PoolNews {
  readonly revision: string;
  readonly change: string;
  readonly pool: { readonly name: string; readonly state: string };
}

/** Without ids, and with times replaced, which differ from run to run. */
const comparable = (result: unknown): string =>
  JSON.stringify(result).replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>');

test('administration of pools comes out the same over REST and over gRPC', async (t) => {
  const [rest, grpc] = await Promise.all([startBerth(t), startBerth(t)]);
  const client = await ReflectionClient.connect(
    grpc.system.grpc,
    credentials.createInsecure(),
    grpc.system.adminApiKey,
  );
  t.after(() => client.close());
  for (const { api } of [rest, grpc]) {
    for (const name of ['blue', 'green', 'red']) {
      assert.equal((await api.post('/v1/admin/groups', { name, permissions: ['vms:*'] })).status, 201);
    }
  }
  for (const scenario of poolScenarios) {
    await t.test(scenario.name, async () => {
      const overRest = await scenario.run({ pools: restPools(rest.api), api: rest.api });
      const overGrpc = await scenario.run({ pools: grpcPools(client), api: grpc.api });
      assert.equal(comparable(overGrpc), comparable(overRest));
    });
  }

  await t.test('a watch over gRPC hears of what is done over REST, and goes on where it was broken off', async () => {
    const service = 'berth.allocator.v1.PoolService';
    const heard = async (revision: string, count: number): Promise<PoolNews[]> => {
      const watch = client.stream(service, 'WatchPools', { revision });
      const news: PoolNews[] = [];
      for await (const one of watch as AsyncIterable<PoolNews>) {
        if (one.change !== 'POOL_CHANGE_KIND_BEGIN') news.push(one);
        if (news.length === count) break;
      }
      return news;
    };
    const { revision } = Object(await client.call(service, 'ListPools', {}));
    const made = await grpc.api.post('/v1/pools/rule-pools', {
      name: 'watched',
      ranges: [{ first: 5_000, last: 5_009 }],
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.equal((await grpc.api.post('/v1/pools/rule-pools/watched/drain', undefined)).status, 200);
    const [first, second] = await heard(revision, 2);
    assert.deepEqual(
      [first?.change, first?.pool.name, second?.change, second?.pool.state],
      ['POOL_CHANGE_KIND_CREATED', 'rule-pools/watched', 'POOL_CHANGE_KIND_UPDATED', 'POOL_STATE_DRAINING'],
    );
    assert.deepEqual(await heard(first?.revision ?? '', 1), [second]);
  });
});
