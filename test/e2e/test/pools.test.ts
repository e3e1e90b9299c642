import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { grpcPools, poolScenarios, ReflectionClient, restPools, startBerth } from '../src/index.ts';

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
  for (const scenario of poolScenarios) {
    await t.test(scenario.name, async () => {
      const overRest = await scenario.run({ pools: restPools(rest.api), api: rest.api });
      const overGrpc = await scenario.run({ pools: grpcPools(client), api: grpc.api });
      assert.equal(comparable(overGrpc), comparable(overRest));
    });
  }
});
