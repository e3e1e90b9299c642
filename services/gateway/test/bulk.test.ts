import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type TestContext, test } from 'node:test';
import { BulkMode, OperationKind, OperationState } from '@berth/contracts';
import { eventually } from '@berth/testing';
import fc from 'fast-check';
import { defaultTiming } from '../src/app/operations/command-timing.ts';
import { anOperation, type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';
import { atomicFailed, PlayedBulks } from './support/played-bulks.ts';

/** With times that hold on a busy machine too. */
const bulkGateway = (t: TestContext) => startTestGateway(t, { timing: defaultTiming });

const provision = '/v1/vms/bulk-provision';
const decommission = '/v1/vms/bulk-decommission';
const asLines = { 'content-type': 'application/x-ndjson' };
const named = (count: number) => Array.from({ length: count }, (_, index) => ({ vm_name: `vm-${index}` }));
const lines = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).join('\n');

test('a bulk of JSON is answered 200 with every item in its order', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const answer = await gateway.call('POST', provision, { body: { items: named(1_200) } });
  assert.equal(answer.status, 200);
  const { results, id, ...summary } = answer.body;
  assert.deepEqual(summary, { state: 'succeeded', mode: 'best_effort', total: 1_200, succeeded: 1_200, failed: 0 });
  assert.equal(answer.headers.get('location'), `/v1/bulks/${id}`);
  assert.deepEqual(
    results.map((item: { index: number; machine_id: string; status: string }) => [
      item.index,
      item.machine_id,
      item.status,
    ]),
    named(1_200).map(({ vm_name }, index) => [index, vm_name, 'succeeded']),
  );
  assert.equal(results[7].vm.vm_name, 'vm-7');
  assert.equal(results[7].operation_id, results[7].vm.operation_id);
  assert.deepEqual([played.started[0]?.items, played.started[0]?.mode], [1_200, BulkMode.BEST_EFFORT]);
  assert.equal(played.started[0]?.context?.operationId, id);
});

test('a bare list means the same as its items, with the mode beside it', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const answer = await gateway.call('POST', `${provision}?mode=atomic`, { body: named(3) });
  assert.deepEqual([answer.status, answer.body.mode, answer.body.succeeded], [200, 'atomic', 3]);
  assert.deepEqual([played.started[0]?.items, played.started[0]?.mode], [3, BulkMode.ATOMIC]);
});

test('lines mean the same as JSON, and are answered as lines to whoever wants that', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const url = gateway.url + provision;
  const response = await fetch(`${url}?mode=atomic`, {
    method: 'POST',
    headers: { 'x-api-key': 'admin-1', ...asLines, accept: 'application/json;q=0.5, application/x-ndjson' },
    body: `\r\n${lines(named(3))}\r\n\n`,
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^application\/x-ndjson/);
  const items = (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    items.map(({ machine_id }) => machine_id),
    ['vm-0', 'vm-1', 'vm-2'],
  );
  assert.equal(played.started[0]?.mode, BulkMode.ATOMIC);
});

test('items that are wrong fail alone, with what is wrong about them, and the answer is 207', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const body = [
    '{"vm_name":"good"}',
    '{"vm_name":"bad_name"}',
    '',
    '{"vm_name":"x","nonsense":1}',
    '{"vm_name"',
    '[]',
    '{"vm_name":"y","__proto__":{}}',
    '{"vm_name":"z","port_range":{"start":9,"end":1}}',
    `{"vm_name":"${'long'.repeat(300_000)}"}`,
    '{"vm_name":"last"}',
  ].join('\n');
  const answer = await gateway.call('POST', provision, { body, headers: asLines });
  assert.equal(answer.status, 207);
  assert.deepEqual([answer.body.total, answer.body.failed, answer.body.state], [9, 7, 'failed']);
  const problems = answer.body.results.map(({ problem }: { problem: Problem | null }) => problem?.errors?.[0]);
  assert.deepEqual(
    problems.map((error: FieldError | undefined) => error?.field),
    [undefined, 'vm_name', 'nonsense', 'item', 'item', 'item', 'port_range.start', 'item', undefined],
  );
  assert.match(problems[3].message, /^line 5: The body is not valid JSON/);
  assert.match(problems[5].message, /^line 7: .*__proto__/);
  assert.match(problems[7].message, /^line 9: is too long/);
  assert.equal(answer.body.results[1].problem.status, 422);
  assert.equal(answer.body.results[1].machine_id, null);
  assert.deepEqual(
    played.items.map(({ item }) => item.case),
    ['provision', ...Array.from({ length: 7 }, () => 'refused'), 'provision'],
  );
});

interface FieldError {
  readonly field: string;
  readonly message: string;
}
interface Problem {
  readonly status: number;
  readonly errors?: FieldError[];
}

test('an atomic bulk with a wrong item is refused as a whole, with every wrong item named, and nothing starts', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const body = { mode: 'atomic', items: [...named(3), { vm_name: 'a_b' }, { vm_name: 'ok' }, {}] };
  const answer = await gateway.call('POST', provision, { body });
  assert.equal(answer.status, 422);
  assert.deepEqual(
    answer.body.errors.map(({ field }: FieldError) => field),
    ['items[3].vm_name', 'items[5].vm_name'],
  );
  const broken = await gateway.call('POST', `${provision}?mode=atomic`, {
    body: '{"vm_name":"a"}\n{',
    headers: asLines,
  });
  assert.deepEqual([broken.status, broken.body.errors[0].field], [422, 'items[1]']);
  assert.equal(played.started.length, 0);
});

test('what stands around the items is checked: none, too many, unknown members and modes, other types', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const answerTo = async (body: unknown, headers = {}, path = provision) => {
    const { status, body: problem } = await gateway.call('POST', path, { body, headers });
    return [status, problem.code, problem.errors?.[0]?.field];
  };
  assert.deepEqual(await answerTo({ items: [] }), [422, 'INVALID_REQUEST', 'items']);
  assert.deepEqual(await answerTo({}), [422, 'INVALID_REQUEST', 'items']);
  assert.deepEqual(await answerTo([]), [422, 'INVALID_REQUEST', 'items']);
  assert.deepEqual(await answerTo('x'), [400, 'MALFORMED_JSON', undefined]);
  assert.deepEqual(await answerTo('\n\n', asLines), [422, 'INVALID_REQUEST', 'items']);
  assert.deepEqual(await answerTo('', asLines), [422, 'INVALID_REQUEST', 'items']);
  assert.deepEqual(await answerTo({ items: ['a'], more: 1 }), [422, 'INVALID_REQUEST', 'more']);
  assert.deepEqual(await answerTo({ items: ['a'], mode: 'fast' }), [422, 'INVALID_REQUEST', 'mode']);
  assert.deepEqual(await answerTo('{}', asLines, `${provision}?mode=fast`), [422, 'INVALID_REQUEST', 'mode']);
  assert.deepEqual(await answerTo({ items: ['a'], mode: 'atomic' }, {}, decommission), [
    422,
    'INVALID_REQUEST',
    'mode',
  ]);
  assert.deepEqual(await answerTo(lines(named(10_001)), asLines), [413, 'BULK_TOO_LARGE', 'items']);
  assert.deepEqual(await answerTo({ items: named(10_001) }), [413, 'BULK_TOO_LARGE', 'items']);
  const tooManyAtomic = [422, 'INVALID_REQUEST', 'items'];
  assert.deepEqual(await answerTo({ items: named(2_001), mode: 'atomic' }), tooManyAtomic);
  assert.deepEqual(await answerTo(lines(named(2_001)), asLines, `${provision}?mode=atomic`), tooManyAtomic);
  const zipped = { ...asLines, 'content-encoding': 'gzip' };
  assert.deepEqual(await answerTo('{}', zipped), [415, 'UNSUPPORTED_MEDIA_TYPE', undefined]);
  assert.deepEqual(await answerTo('{}', asLines, '/v1/vms/provision'), [415, 'UNSUPPORTED_MEDIA_TYPE', undefined]);
  assert.deepEqual(await answerTo(`${'x'.repeat(999_999)}\n`.repeat(34), asLines), [413, 'BODY_TOO_LARGE', undefined]);
  assert.deepEqual(await answerTo({ items: named(1) }, { 'idempotency-key': 'a b' }), [
    ...[422, 'INVALID_REQUEST', 'Idempotency-Key'],
  ]);
  assert.equal(played.started.length, 0);
});

test('a body of millions of values is refused before it is parsed', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const zeros = (count: number) => `[${'0,'.repeat(count)}0]`;
  for (const body of [
    `{"mode":"atomic","items":${zeros(7_000_000)}}`,
    zeros(7_000_000),
    `{"items":[{"vm_name":"a","metadata":{"constructor":${zeros(7_000_000)}}}]}`,
  ]) {
    const answer = await gateway.call('POST', provision, { body });
    assert.deepEqual([answer.status, answer.body.code], [413, 'BULK_TOO_LARGE']);
    assert.equal(answer.body.errors[0].field, 'items');
  }
  const tooLong = await gateway.call('POST', provision, { body: ' '.repeat(16_777_217) });
  assert.equal(tooLong.body.code, 'BODY_TOO_LARGE');
  assert.equal(played.started.length, 0);
});

test('only a few large bodies are read at a time; the others are told to come back', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const body = JSON.stringify({ items: named(1) }).padEnd(1_100_000);
  const headers = { 'x-api-key': 'admin-1', 'content-type': 'application/json', 'content-length': body.length };
  const uploads = Array.from({ length: 5 }, () => {
    const upload = httpRequest(gateway.url + provision, { method: 'POST', headers });
    const status = once(upload, 'response').then(([response]) => response.resume().statusCode);
    upload.write(body.slice(0, 500_000));
    return { upload, status };
  });
  assert.equal(await Promise.race(uploads.map(({ status }) => status)), 503);
  const refused = await gateway.call('POST', provision, { body });
  assert.deepEqual([refused.status, refused.body.code, refused.headers.get('retry-after')], [503, 'OVERLOADED', '5']);
  assert.equal(
    (await gateway.call('POST', provision, { body: { items: named(1) } })).status,
    200,
    'a small one passes',
  );
  played.ends = false;
  for (const { upload } of uploads) upload.end(body.slice(500_000));
  await eventually(() => played.started.length === 5);
  const next = await gateway.call('POST', provision, { body, headers: { prefer: 'respond-async' } });
  assert.equal(next.status, 202, 'a place is free again once its items are handed on, while their end is waited for');
  await gateway.stop();
  assert.deepEqual((await Promise.all(uploads.map(({ status }) => status))).sort(), [202, 202, 202, 202, 503]);
});

test('removals name a VM by text or object; one that cannot be there is not found by itself', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const body = { items: ['web-01', { machine_id: 'web-02' }, 'a_b', 7, { machine_id: 'x', y: 1 }] };
  const answer = await gateway.call('POST', decommission, { body });
  assert.equal(answer.status, 207);
  assert.deepEqual(
    answer.body.results.map((item: { machine_id: string; problem: { code: string } | null }) => [
      item.machine_id,
      item.problem?.code,
    ]),
    [
      ['web-01', undefined],
      ['web-02', undefined],
      [null, 'VM_NOT_FOUND'],
      [null, 'INVALID_REQUEST'],
      [null, 'INVALID_REQUEST'],
    ],
  );
  const asked = played.items.map(({ item }) => (item.case === 'decommission' ? item.value.machineId : item.case));
  assert.deepEqual(asked, ['web-01', 'web-02', 'refused', 'refused', 'refused']);
});

test('items travel some at a time, well below what the bus carries', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const metadata = { text: 'x'.repeat(15_000) };
  await gateway.call('POST', provision, { body: { items: named(450) } });
  assert.deepEqual(
    played.messages.map(({ items }) => items),
    [200, 200, 50],
  );
  played.messages.length = 0;
  const large = named(100).map((item) => ({ ...item, metadata }));
  await gateway.call('POST', provision, { body: lines(large), headers: asLines });
  assert.ok(played.messages.length >= 3);
  assert.ok(
    played.messages.every(({ bytes }) => bytes < 600_000),
    JSON.stringify(played.messages),
  );
});

test('a bulk that has not ended is answered 202 with where it is; there its end can be waited for', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  played.ends = false;
  const headers = { prefer: 'respond-async' };
  const answer = await gateway.call('POST', provision, { body: { items: named(2) }, headers });
  assert.equal(answer.status, 202);
  const { id } = answer.body;
  assert.equal(answer.headers.get('location'), `/v1/bulks/${id}`);
  assert.deepEqual([answer.body.state, answer.body.total, answer.body.error], ['running', 2, null]);
  assert.equal(played.started[0]?.context?.mayWait, true);
  assert.equal((await gateway.call('GET', `/v1/operations/${id}`)).body.kind, 'bulk');

  const waiting = gateway.call('GET', `/v1/bulks/${id}`, { headers: { prefer: 'wait=20' } });
  await eventually(async () => /operations_waiting 1/.test(await gateway.metrics.metrics()));
  played.put({ ...played.get(id), state: OperationState.SUCCEEDED, succeeded: 2 });
  gateway.tellEnd(anOperation({ id, kind: OperationKind.BULK }));
  const ended = await waiting;
  assert.deepEqual([ended.body.state, ended.body.succeeded], ['succeeded', 2]);
  const operation = await gateway.call('GET', `/v1/operations/${id}`);
  assert.deepEqual(operation.body.result, { items: `/v1/bulks/${id}/items` });

  const page = await gateway.call('GET', `/v1/bulks/${id}/items?limit=1`);
  assert.deepEqual([page.body.results.length, page.body.next_offset], [1, 1]);
  assert.equal(page.headers.get('link'), `</v1/bulks/${id}/items?offset=1&limit=1>; rel="next"`);
  assert.equal((await gateway.call('GET', `/v1/bulks/${id}/items?offset=1`)).body.next_offset, null);
  assert.equal((await gateway.call('GET', '/v1/bulks/4711')).body.code, 'BULK_NOT_FOUND');
});

test('an atomic bulk that failed is answered with why', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  played.ends = false;
  const headers = { prefer: 'wait=20' };
  const waiting = gateway.call('POST', provision, { body: { mode: 'atomic', items: named(2) }, headers });
  const id = (await eventually(() => played.started[0])).context?.operationId ?? '';
  const error = { kind: 'exhausted', code: 'ADDRESS_POOL_EXHAUSTED', message: 'Item 1: No address is left.' };
  played.put(atomicFailed(id, error as never));
  gateway.tellEnd(anOperation({ id, kind: OperationKind.BULK, state: OperationState.FAILED, error: error as never }));
  const answer = await waiting;
  assert.deepEqual(
    [answer.status, answer.body.code, answer.body.detail, answer.body.operation_id],
    [507, 'ADDRESS_POOL_EXHAUSTED', 'Item 1: No address is left.', id],
  );
});

test('a range of ports that was refused later is named as items name it', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  played.ends = false;
  const body = { mode: 'atomic', items: named(1) };
  const waiting = gateway.call('POST', provision, { body, headers: { prefer: 'respond-async' } });
  const id = (await waiting).body.id;
  const fields = [{ field: 'ports[0].internal_port_end', message: 'needs 2000 rules' }];
  played.put(atomicFailed(id, { kind: 'invalid', code: 'INVALID_REQUEST', message: 'No.', fields } as never));
  const { error } = (await gateway.call('GET', `/v1/bulks/${id}`)).body;
  assert.deepEqual(error.errors, [{ field: 'ports[0].internal_ports', message: 'needs 2000 rules' }]);
  assert.equal(error.detail, 'ports[0].internal_ports: needs 2000 rules');
});

test('the fingerprint of a key is that of the items, however they are sent', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const headers = { 'idempotency-key': 'k' };
  const send = (body: unknown, more = {}, query = '') =>
    gateway.call('POST', provision + query, { body, headers: { ...headers, ...more } });
  await send({ items: [{ vm_name: 'a', hostname: 'h' }, { vm_name: 'b' }] });
  await send('{"hostname":"h","vm_name":"a"}\n\n{ "vm_name": "b" }', asLines);
  await send({ items: [{ vm_name: 'b' }, { vm_name: 'a', hostname: 'h' }] });
  await send('{"hostname":"h","vm_name":"a"}\n{"vm_name":"b"}', asLines, '?mode=atomic');
  await send({ items: [{ vm_name: 'a', hostname: 'h' }, { vm_name: 'b' }, { vm_name: 'b_' }] });
  const prints = played.started.map(({ context }) =>
    Buffer.from(context?.idempotency?.fingerprint ?? []).toString('hex'),
  );
  assert.equal(prints[1], prints[0]);
  assert.equal(new Set(prints).size, 4);
  assert.equal(played.started[0]?.context?.idempotency?.scope, `id-of-admin-1 POST ${provision}`);
});

/** Sends a beginning of a body over a connection of its own; gives back how to go on. */
function beginUpload(gateway: GatewayUnderTest, text: string) {
  const headers = { 'x-api-key': 'admin-1', ...asLines };
  const upload = httpRequest(gateway.url + provision, { method: 'POST', headers });
  upload.on('error', () => {});
  upload.write(text);
  return upload;
}

test('an upload that breaks off starts nothing', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const upload = beginUpload(gateway, `${lines(named(500))}\n`);
  await eventually(() => played.messages.length === 2);
  upload.destroy();
  await eventually(() => upload.closed);
  assert.equal((await gateway.call('POST', provision, { body: { items: named(7) } })).status, 200);
  await gateway.stop();
  assert.deepEqual(
    played.started.map(({ items }) => items),
    [7],
  );
  assert.ok(
    gateway.logged.every(({ msg }) => msg !== 'request failed'),
    JSON.stringify(gateway.logged),
  );
});

test('10,000 lines are stored in 50 messages and answered in 20 pages', async (t) => {
  const gateway = await bulkGateway(t);
  const played = new PlayedBulks(gateway);
  const answer = await gateway.call('POST', provision, { body: lines(named(10_000)), headers: asLines });
  assert.equal(answer.status, 200);
  assert.equal(played.messages.length, 50);
  assert.equal(answer.body.results.length, 10_000);
});

test('whatever the lines are, each is answered for itself, and never with 5xx', async (t) => {
  const gateway = await bulkGateway(t);
  new PlayedBulks(gateway);
  const line = fc.oneof(
    fc.json().map((text) => text.replaceAll('\n', ' ')),
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')),
    fc.constant('{"vm_name":"good"}'),
    fc
      .record({ vm_name: fc.string(), metadata: fc.jsonValue(), ports: fc.jsonValue() })
      .map((body) => JSON.stringify(body)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (all) => {
      const answer = await gateway.call('POST', provision, { body: all.join('\n'), headers: asLines });
      const expected = all.filter((text) => /[^ \t\r]/.test(text));
      if (expected.length === 0) return assert.equal(answer.status, 422);
      assert.ok([200, 207].includes(answer.status), JSON.stringify(answer.body));
      assert.equal(answer.body.results.length, expected.length);
      for (const [index, text] of expected.entries()) {
        const { problem, status } = answer.body.results[index];
        if (text === '{"vm_name":"good"}') assert.equal(status, 'succeeded');
        else if (problem) assert.ok(problem.status < 500 && problem.errors.length > 0, JSON.stringify(problem));
      }
    }),
    { numRuns: 60 },
  );
});
