import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdoptionService, DriftService } from '@berth/contracts';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { startTestGateway } from './support/gateway-under-test.ts';

test('a preview tells when the router was read, reads it first when asked to, and has a cursor as all lists have', async (t) => {
  const gateway = await startTestGateway(t);
  const calls: string[] = [];
  let done = true;
  const lookedAt = timestampFromDate(new Date('2026-01-01T12:00:00Z'));
  gateway.answer(DriftService.method.getDrift, () => ({ report: { lookedAt } }));
  gateway.answer(DriftService.method.checkDrift, ({ repair, waitMs }) => {
    calls.push(`check ${repair} ${waitMs > 0}`);
    return { done };
  });
  gateway.answer(AdoptionService.method.previewAdoption, ({ offset }) => {
    calls.push(`preview ${offset}`);
    return { items: [{ mapping: 'a' }], more: offset === 0, counts: {} };
  });
  const path = '/v1/routers/edge/adoptions/preview';
  const first = await gateway.call('GET', `${path}?limit=1&refresh=true`);
  assert.deepEqual(
    [first.status, first.body.looked_at, first.body.next_cursor],
    [200, '2026-01-01T12:00:00.000Z', '1'],
  );
  const next = /<(.*)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await gateway.call('GET', next);
  assert.deepEqual([second.status, second.body.next_cursor], [200, null]);
  assert.deepEqual(calls, ['check false true', 'preview 0', 'preview 1']);
  assert.equal((await gateway.call('GET', `${path}?cursor=x`)).body.errors[0].field, 'cursor');
  done = false;
  const away = await gateway.call('GET', `${path}?refresh=true`);
  assert.deepEqual([away.status, away.body.code], [503, 'ROUTER_UNAVAILABLE']);
});
