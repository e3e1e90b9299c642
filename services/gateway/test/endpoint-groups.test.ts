import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { KeyCache } from '@berth/access';
import { createLogger } from '@berth/service-kit';
import { Registry } from 'prom-client';
import { buildApp } from '../src/adapters/http/server/build-app.ts';
import { gatewayMetrics } from '../src/adapters/http/server/http-metrics.ts';
import { endpointGroups } from '../src/domain/requests/endpoint-groups.ts';
import { startTestGateway } from './support/gateway-under-test.ts';

const page = new URL('../../../docs/endpoint-groups.md', import.meta.url);
const between = /(<!-- generated -->\n)[\s\S]*(<!-- end -->)/;

interface Operation {
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
}

test('docs/endpoint-groups.md has the groups with the routes of a running gateway', async (t) => {
  const gateway = await startTestGateway(t);
  const { paths } = (await gateway.call('GET', '/openapi.json', { apiKey: null })).body;
  const routes = new Map<string, string[]>();
  for (const [path, methods] of Object.entries<Record<string, Operation>>(paths)) {
    for (const [method, { tags }] of Object.entries(methods)) {
      const tag = tags[0] ?? '';
      routes.set(tag, [...(routes.get(tag) ?? []), `\`${method.toUpperCase()} ${path}\``]);
    }
  }
  const rows = endpointGroups.flatMap(({ name, tag, access, rate, counts, audit, cache }) => {
    const own = tag === '' ? ['`GET /openapi.json`', '`GET /v1/openapi.json`'] : routes.get(tag);
    if (own === undefined) return [];
    routes.delete(tag);
    return `| \`${name}\` | ${access.join(', ')} | ${rate} | ${counts} | ${audit} | \`${cache}\` | ${own.sort().join('<br>')} |`;
  });
  assert.deepEqual([...routes.keys()], [], 'a tag without a group');
  const head = '| group | access | rate | counts | audit | Cache-Control | routes |\n|---|---|---|---|---|---|---|';
  const table = `\n${head}\n${rows.join('\n')}\n\n`;
  const written = readFileSync(page, 'utf8');
  const wanted = written.replace(between, (_, begin: string, end: string) => begin + table + end);
  if (process.env['BERTH_UPDATE_DOCS'] === '1') writeFileSync(page, wanted);
  else assert.equal(written, wanted, 'bring it up to date: see the page');
});

test('a route without a group, or of a kind that its group does not have, stops the start', async () => {
  const options = {
    log: createLogger('test', 'fatal'),
    metrics: gatewayMetrics(new Registry(), { waiting: () => 0 }),
    keys: new KeyCache({
      verify: () => Promise.reject(new Error()),
      isCurrent: () => true,
      ttlMs: 0,
      refusalTtlMs: 0,
      maxEntries: 1,
    }),
    requestsPerSecond: 0,
    overloadedAfterMs: 0,
    audit: { record: async () => {} },
  };
  const start = (tag: string, config: { open: true } | { permission: 'vms:read' }) =>
    buildApp(options, (app) => void app.get('/v1/new', { schema: { tags: [tag] }, config }, async () => ({})));
  await assert.rejects(start('New', { permission: 'vms:read' }), /\/v1\/new belongs to no endpoint group/);
  await assert.rejects(start('VMs', { open: true }), /\/v1\/new is open, which the endpoint group vms does not have/);
  await (await start('VMs', { permission: 'vms:read' })).close();
});

test('a group is called like its tag, and every tag of the OpenAPI document is one of a group', async (t) => {
  for (const { name, tag } of endpointGroups) {
    if (tag !== '') assert.equal(name, tag.toLowerCase().replaceAll(' ', '-'));
  }
  const { tags } = (await (await startTestGateway(t)).call('GET', '/openapi.json', { apiKey: null })).body;
  const described = tags.map(({ name }: { readonly name: string }) => name).sort();
  assert.deepEqual(described, endpointGroups.flatMap(({ tag }) => tag || []).sort());
});
