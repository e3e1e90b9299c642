import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '@berth/testing';
import { examplesIn, runExample, startBerth, startSecondRouter } from '../src/index.ts';

const documents = [
  'docs/pools.md',
  'docs/vms.md',
  'docs/bulk.md',
  'docs/routers.md',
  'docs/limits.md',
  'docs/drift.md',
  'docs/history.md',
  'docs/plans.md',
  'docs/adopt.md',
  'docs/backup.md',
  'docs/operations.md',
  'docs/events.md',
  'docs/audit.md',
  'docs/users-and-groups.md',
];

for (const document of documents) {
  test(`the examples of ${document} do what they say, one after the other`, async (t) => {
    const examples = examplesIn(document);
    assert.ok(examples.length > 0, 'there are examples');
    const { system, natsUrl, subjectPrefix } = await startBerth(t);
    const second = document === 'docs/routers.md' ? await secondRouter(t) : {};
    const folder = temporaryFolder(t);
    symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules')); // what a reader installs
    let id = '';
    for (const example of examples) {
      const variables = { BERTH_KEY: system.adminApiKey, ID: id, NATS_URL: natsUrl, PREFIX: subjectPrefix, ...second };
      const { ok, output } = await runExample(example, { api: system.api, folder, variables });
      assert.ok(ok, `${document}:${example.line}\n${example.script}\n${output}`);
      id = /^\{"id":"([^"]+)"/m.exec(output)?.[1] ?? id; // "with the id of the answer in $ID"
    }
  });
}

/** The router that the page adds, in the variables that it names. */
async function secondRouter(t: TestContext) {
  const { host, port, key, fingerprint } = (await startSecondRouter(t)).settings;
  return { ROUTER_HOST: host, ROUTER_PORT: String(port), ROUTER_API_KEY: key, ROUTER_FINGERPRINT: fingerprint };
}
