import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { auditedVerbs } from '@berth/contracts';
import { eventually, temporaryFolder } from '@berth/testing';
import { credentials } from '@grpc/grpc-js';
import { ReflectionClient, startBerth, startSecondRouter } from '../src/index.ts';

const tool = join(import.meta.dirname, '../../../tools/audit-verify.ts');

test('a provision is two entries, of its request and of its end, and what is exported verifies without a service', async (t) => {
  const { api, system } = await startBerth(t);
  const headers = { 'x-request-id': 'audited' };
  assert.equal((await api.provision({ vm_name: 'web-1' })).status, 201);
  assert.equal((await api.post('/v1/routers/default/test', {}, { apiKey: 'nobody', headers })).status, 401);
  const entries = await eventually(
    async () => {
      const { items } = (await api.get('/v1/admin/audit')).body;
      return items.length >= 3 && items.every(({ hash }: { hash: string | null }) => hash !== null) && items;
    },
    { what: 'sealed entries', timeoutMs: 30_000 },
  );
  const of = (action: string) => entries.find((entry: { action: string }) => entry.action === action);
  const [asked, ended] = [of('request.provisionVm'), of('operation.succeeded')];
  assert.deepEqual([asked.result, asked.details.body.vm_name], ['succeeded', 'web-1']);
  assert.match(asked.trace_id, /^[0-9a-f]{32}$/);
  assert.equal(ended.resource.name, 'web-1');
  assert.deepEqual(
    [asked.resource, ended.resource.type, ended.resource.id],
    [{ type: 'vm', id: 'web-1', name: '' }, 'vm', 'web-1'],
  );
  assert.equal(ended.details.operation_id, asked.details.operation_id);
  assert.deepEqual(ended.actor, asked.actor);
  assert.deepEqual(
    [ended.request_id, ended.trace_id, ended.before, ended.after.forwards.length],
    [asked.request_id, asked.trace_id, null, 3],
  );
  const { body } = await api.get('/v1/admin/audit?result=API_KEY_INVALID&request_id=audited');
  assert.deepEqual([body.items.length, body.items[0].actor.kind], [1, 'anonymous']);

  const folder = temporaryFolder(t);
  const keep = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { items, keys } = (await api.get('/v1/admin/audit/heads')).body;
  const exported = await fetch(`${system.api}/v1/admin/audit/export`, { headers: { 'x-api-key': system.adminApiKey } });
  const file = keep('export.ndjson', await exported.text());
  const options = [
    '--key',
    keep('public.pem', keys[0].public_key),
    '--head',
    keep('head.json', JSON.stringify(items[0])),
  ];
  assert.match(
    String(execFileSync(process.execPath, [tool, file, ...options])),
    /^OK: [3-9] entries, 1 to [3-9]; head /,
  );
});

test('what is changed over REST and over gRPC is one entry each, of the service that changed it, with how it was', async (t) => {
  const { api, system } = await startBerth(t);
  const edge = await startSecondRouter(t);
  const client = await ReflectionClient.connect(system.grpc, credentials.createInsecure(), system.adminApiKey);
  t.after(() => client.close());
  const key = { headers: { 'idempotency-key': 'once', 'x-request-id': 'made-once' } };
  const pool = { name: 'audited', ranges: [{ first: 5_000, last: 5_009 }] };
  for (const status of [201, 201]) assert.equal((await api.post('/v1/pools/rule-pools', pool, key)).status, status);
  await client.call('berth.allocator.v1.PoolService', 'DrainPool', { name: 'rule-pools/audited' });
  assert.equal((await api.post('/v1/pools/rule-pools', pool)).status, 409);
  const { host, port, key: secret, fingerprint } = edge.settings;
  const router = { name: 'edge', host, port, key: secret, fingerprint, key_id: 'berth', enabled: false };
  assert.equal((await api.post('/v1/routers', router)).status, 201);
  const policies = { policies: [{ path: 'nat', policy: 'repair' }] };
  assert.equal((await api.call('PUT', '/v1/routers/edge/drift/policies', { body: policies })).status, 200);
  assert.equal((await api.delete('/v1/routers/edge')).status, 204);

  const entries = await eventually(
    async () => {
      const { items } = (await api.get('/v1/admin/audit')).body;
      const ours = items.filter(({ actor }: { actor: { kind: string } }) => actor.kind !== 'service').reverse();
      return ours.length >= 6 && ours;
    },
    { what: 'entries', timeoutMs: 30_000 },
  );
  assert.deepEqual(
    entries.map(({ action, result, resource }: Entry) => [action, result, resource.type, resource.id]).sort(),
    [
      ['drift_policy.changed', 'succeeded', 'drift_policy', 'edge'],
      ['pool.changed', 'succeeded', 'pool', 'rule-pools/audited'],
      ['pool.created', 'succeeded', 'pool', 'rule-pools/audited'],
      ['request.createRulePool', 'POOL_NAME_TAKEN', 'pool', ''],
      ['router.created', 'succeeded', 'router', 'edge'],
      ['router.deleted', 'succeeded', 'router', 'edge'],
    ],
  );
  const of = (action: string): Entry => entries.find((entry: Entry) => entry.action === action);
  const [made, drained, removed] = [of('pool.created'), of('pool.changed'), of('router.deleted')];
  assert.deepEqual([made.request_id, made.client_address, made.actor.kind], ['made-once', '127.0.0.1', 'api_key']);
  assert.deepEqual([made.before, made.after?.['ranges']], [null, ['5000-5009']]);
  assert.deepEqual(
    [drained.before, drained.after, drained.actor, drained.client_address],
    [{ state: 'active', version: 1 }, { state: 'draining', version: 2 }, made.actor, '127.0.0.1'],
  );
  assert.match(drained.user_agent, /^grpc-/);
  assert.deepEqual([removed.before?.['enabled'], removed.after], [false, null]);
  assert.ok(!JSON.stringify(entries).includes(secret));
  for (const { action, resource } of (await api.get('/v1/admin/audit')).body.items) {
    const verbs: readonly string[] = Object.entries(auditedVerbs).find(([type]) => type === resource.type)?.[1] ?? [];
    const told = verbs.some((verb) => action === `${resource.type}.${verb}`);
    assert.ok(told || action.startsWith('request.'), `${action} on ${resource.type}`);
  }
});

interface Entry {
  readonly action: string;
  readonly result: string;
  readonly request_id: string;
  readonly client_address: string;
  readonly user_agent: string;
  readonly actor: { readonly kind: string };
  readonly resource: { readonly type: string; readonly id: string };
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}
