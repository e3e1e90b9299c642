import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '@berth/testing';
import { examplesIn, runExample, startBerth } from '../src/index.ts';

const documents = ['docs/pools.md', 'docs/vms.md', 'docs/bulk.md'];

for (const document of documents) {
  test(`the examples of ${document} do what they say, one after the other`, async (t) => {
    const examples = examplesIn(document);
    assert.ok(examples.length > 0, 'there are examples');
    const { system } = await startBerth(t);
    const at = { api: system.api, key: system.adminApiKey, folder: temporaryFolder(t) };
    for (const example of examples) {
      const { ok, output } = await runExample(example, at);
      assert.ok(ok, `${document}:${example.line}\n${example.script}\n${output}`);
    }
  });
}
