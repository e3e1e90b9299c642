import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GroupService, PoolSchema } from '@berth/contracts';
import { curlExamples } from '@berth/testing';
import { create } from '@bufbuild/protobuf';
import { startTestGateway } from './support/gateway-under-test.ts';
import { aPool, playPools } from './support/played-pools.ts';

const page = readFileSync(new URL('../../../docs/pools.md', import.meta.url), 'utf8');

test('every example of docs/pools.md is a request that the gateway takes', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(GroupService.method.createGroup, ({ group }) => (group ? { group } : {}));
  const { pools } = await playPools(gateway);
  for (const [kind, short] of [
    ['ip-pools', 'ip'],
    ['port-pools', 'port'],
    ['rule-pools', 'rule'],
  ] as const) {
    const name = `${kind}/default`;
    pools.set(name, aPool(create(PoolSchema, { name, values: { case: short, value: {} } })));
  }
  const examples = curlExamples(page, { BERTH_KEY: 'admin-1', ID: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90' });
  assert.ok(examples.length >= 16, `${examples.length} examples`);
  for (const { method, path, headers, body } of examples) {
    const answer = await gateway.call(method, path, { apiKey: null, headers, body });
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  }
});
