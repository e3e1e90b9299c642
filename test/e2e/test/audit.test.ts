import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, temporaryFolder } from '@berth/testing';
import { startBerth } from '../src/index.ts';

const tool = join(import.meta.dirname, '../../../tools/audit-verify.ts');

test('a provision is two entries, of its request and of its end, and what is exported verifies without a service', async (t) => {
  const { api, system } = await startBerth(t);
  const headers = { 'x-request-id': 'audited' };
  assert.equal((await api.provision({ vm_name: 'web-1' }, { headers })).status, 201);
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
  assert.deepEqual([asked.result, asked.request_id, asked.details.body.vm_name], ['succeeded', 'audited', 'web-1']);
  assert.equal(ended.resource.name, 'web-1');
  assert.deepEqual(asked.resource.id, 'web-1');
  assert.equal(ended.details.operation_id, asked.details.operation_id);
  assert.equal(ended.actor.id, asked.actor.id);
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
