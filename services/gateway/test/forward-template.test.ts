import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Protocol, type SetForwardTemplateRequest, subjectOfMethod, VmService } from '@berth/contracts';
import fc from 'fast-check';
import { defaultTiming } from '../src/app/operations/command-timing.ts';
import { type Answer, startTestGateway } from './support/gateway-under-test.ts';

const { method } = VmService;
const path = '/v1/forward-template';

const fieldsOf = (answer: Answer): string[] => (answer.body.errors ?? []).map(({ field }: { field: string }) => field);

const stored = {
  version: 4n,
  forwards: [
    { name: 'ssh', protocol: Protocol.TCP, internalPort: 22, sources: ['198.51.100.0/24'], description: 'for admins' },
    { name: 'dns', protocol: Protocol.TCP_UDP, internalPort: 53 },
  ],
};
const shown = {
  forwards: [
    { name: 'ssh', protocol: 'tcp', internal_port: 22, sources: ['198.51.100.0/24'], description: 'for admins' },
    { name: 'dns', protocol: 'tcp_udp', internal_port: 53, sources: [], description: null },
  ],
};

test('the template is shown with its version as ETag', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.getForwardTemplate, () => stored);
  const answer = await gateway.call('GET', path, { apiKey: 'viewer-1' });
  assert.deepEqual(answer.body, shown);
  assert.equal(answer.headers.get('etag'), '"4"');
  assert.equal((await gateway.call('GET', path, { headers: { 'if-none-match': '"4"' } })).status, 304);
});

test('what was shown can be sent back, with If-Match and an Idempotency-Key', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: SetForwardTemplateRequest | undefined;
  gateway.answer(method.setForwardTemplate, (message) => {
    asked = message;
    return { forwards: message.forwards, version: 5n };
  });
  const headers = { 'if-match': '"4"', 'idempotency-key': 'order-1' };
  const answer = await gateway.call('PUT', path, { body: shown, headers });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(answer.body, shown);
  assert.equal(answer.headers.get('etag'), '"5"');
  assert.equal(asked?.context?.ifVersion, 4n);
  assert.equal(asked?.context?.principal?.id, 'id-of-admin-1');
  assert.equal(asked?.context?.idempotency?.scope, 'id-of-admin-1 PUT /v1/forward-template');
  assert.equal((await gateway.call('PUT', path, { body: shown, apiKey: 'operator-1' })).status, 403);
  assert.equal((await gateway.call('PUT', path, { body: shown, headers: { 'if-match': 'W/"4"' } })).status, 412);
  assert.equal((await gateway.call('PUT', path, { body: { forwards: [] } })).status, 200);
  assert.deepEqual(asked?.forwards, []);
});

test('silence about a new template is 504 after one try: nobody can tell what became of it', async (t) => {
  const gateway = await startTestGateway(t);
  let heard = 0;
  gateway.bus.connection.subscribe(subjectOfMethod(gateway.prefix, method.setForwardTemplate), {
    callback: () => {
      heard++;
    },
  });
  await gateway.bus.connection.flush();
  const answer = await gateway.call('PUT', path, { body: shown });
  assert.deepEqual([answer.status, answer.body.code, heard], [504, 'OUTCOME_UNKNOWN', 1]);
});

test('a wrong template is 422 and names the field', async (t) => {
  const gateway = await startTestGateway(t, { timing: defaultTiming });
  gateway.answer(method.setForwardTemplate, ({ forwards }) => ({ forwards, version: 1n }));
  await gateway.bus.connection.flush();
  const put = (body: unknown) => gateway.call('PUT', path, { body });
  const ssh = { name: 'ssh', internal_port: 22 };
  for (const [body, fields] of [
    [{}, ['forwards']],
    [{ forwards: [{ name: 'ssh' }] }, ['forwards[0].internal_port']],
    [{ forwards: [{ ...ssh, internal_port: 65_536 }] }, ['forwards[0].internal_port']],
    [{ forwards: [ssh, ssh] }, ['forwards[1].name']],
    [{ forwards: [{ ...ssh, name: 'status' }] }, ['forwards[0].name']],
    [{ forwards: [{ ...ssh, external_port: 2_000 }] }, ['forwards[0].external_port']],
    [{ forwards: [{ ...ssh, sources: ['10.0.0.1/8'] }] }, ['forwards[0].sources[0]']],
    [{ forwards: [{ ...ssh, description: "it's" }] }, ['forwards[0].description']],
    [{ forwards: Array.from({ length: 33 }, (_, index) => ({ ...ssh, name: `f${index}` })) }, ['forwards']],
    [{ forwards: [], version: 1 }, ['version']],
  ] as const) {
    const answer = await put(body);
    assert.equal(answer.status, 422, JSON.stringify(body).slice(0, 200));
    assert.deepEqual(fieldsOf(answer), fields, JSON.stringify(answer.body.errors));
  }
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('ssh', 22, ['10.0.0.1']));
  const forward = fc.record(
    { name: value, protocol: value, internal_port: value, sources: value, description: value },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.record({ forwards: fc.array(forward) }), value), async (body) => {
      const answer = await put(JSON.stringify(body));
      assert.ok([200, 422].includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
      if (answer.status === 422) assert.ok(fieldsOf(answer).length > 0);
    }),
    { numRuns: 100 },
  );
});
