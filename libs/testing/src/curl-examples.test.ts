import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curlExamples } from './curl-examples.ts';

const block = (text: string) => `Text.\n\n\`\`\`sh\n${text}\n\`\`\`\n\nMore.\n`;

test('the examples of a page are the requests that curl would make', () => {
  const page = `${block(`curl -X PATCH http://127.0.0.1:1/v1/a \\
  -H "X-API-Key: $KEY" -H 'If-Match: "3"' \\
  -d '{"a":"$KEY b"}'`)}\`\`\`\nnot an example\n\`\`\`\n${block("curl -i 'http://127.0.0.1:1/v1/b?c=d&e=f'")}`;
  assert.deepEqual(curlExamples(page, { KEY: 'k' }), [
    { method: 'PATCH', path: '/v1/a', headers: { 'x-api-key': 'k', 'if-match': '"3"' }, body: '{"a":"$KEY b"}' },
    { method: 'GET', path: '/v1/b?c=d&e=f', headers: {}, body: undefined },
  ]);
});

test('an example that is not understood is an error', () => {
  for (const text of [
    'wget http://127.0.0.1:1/',
    'curl --retry 3 http://127.0.0.1:1/',
    'curl -i',
    'curl "http://a/$B"',
  ])
    assert.throws(() => curlExamples(block(text), {}), text);
});
