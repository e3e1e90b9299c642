import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { OperationKind, PlanState, VmPlanService, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { anOperation, startTestGateway } from './support/gateway-under-test.ts';

const { method } = VmPlanService;
const hash = '0'.repeat(64);
const aPlan = (id: string, kind = OperationKind.DECOMMISSION_VM) => ({
  ...{ id, state: PlanState.OPEN, kind, hash, request: 'DELETE /v1/vms/web/decommission', createdAt: timestampNow() },
});
const removal = { method: 'DELETE', path: '/v1/vms/web/decommission' };

test('what is wrong with a write is named as the caller of the plan wrote it', async (t) => {
  const gateway = await startTestGateway(t);
  const refused = async (request: object, headers: Record<string, string> = {}) => {
    const { status, body } = await gateway.call('POST', '/v1/plans', { body: { request }, headers });
    assert.equal(status, 422, JSON.stringify(body));
    return body;
  };
  const provision = { method: 'POST', path: '/v1/vms/provision', body: { vm_name: 'web', colour: 1 } };
  const wrong = await refused(provision);
  assert.deepEqual(wrong.errors, [{ field: 'request.body.colour', message: 'is not known here' }]);
  assert.equal(wrong.detail, 'request.body.colour: is not known here');
  for (const query of ['dry_run=true', 'dry_run=false', 'colour=red']) {
    const { errors } = await refused({ ...removal, path: `${removal.path}?${query}` });
    assert.deepEqual([errors.length, errors[0].field], [1, 'request.path'], query);
    assert.match(errors[0].message, query.startsWith('dry') ? /dry_run/ : /^colour/);
  }
  for (const request of [
    { method: 'PUT', path: '/v1/forward-template', body: { forwards: [] } },
    { method: 'GET', path: '/v1/vms' },
    { method: 'POST', path: '/v1/routers', body: {} },
  ]) {
    assert.match((await refused(request)).errors[0].message, /^only writes of VMs/);
  }
  assert.equal((await refused(removal, { 'if-match': '3' })).errors[0].field, 'If-Match');
});

test('a cursor that was not given out is called what the caller calls it', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.listPlans, () => {
    const fields = [{ field: 'page_token', message: 'is not one that was given out' }];
    throw new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'The page token is not one.', { fields });
  });
  gateway.answer(VmService.method.listOperations, () => {
    throw new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'That page token was not given out here.');
  });
  for (const path of ['/v1/plans?cursor=x', '/v1/operations?cursor=x']) {
    const { body } = await gateway.call('GET', path);
    assert.deepEqual([body.code, body.errors[0].field], ['PAGE_TOKEN_INVALID', 'cursor']);
    assert.match(body.detail, /^cursor: /);
  }
});

test('a plan that a key has already is answered as a repetition', async (t) => {
  const gateway = await startTestGateway(t);
  let first = '';
  gateway.answer(method.createPlan, ({ context }) => {
    first = first || (context?.operationId ?? '');
    return aPlan(first);
  });
  const headers = { 'idempotency-key': 'k' };
  const replayed: unknown[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const answer = await gateway.call('POST', '/v1/plans', { body: { request: removal }, headers });
    assert.deepEqual([answer.status, answer.body.id], [201, first]);
    replayed.push(answer.headers.get('idempotency-replayed'));
  }
  assert.deepEqual(replayed, [null, 'true']);
});

test('ids in capitals are the same plan for a key; a hash that is none applies nothing', async (t) => {
  const gateway = await startTestGateway(t);
  const id = randomUUID();
  const scopes: unknown[] = [];
  gateway.answer(method.getPlan, () => aPlan(id));
  gateway.answer(method.applyPlan, ({ context }) => {
    scopes.push(context?.idempotency?.scope);
    return { operation: anOperation({ id: context?.operationId ?? '' }) };
  });
  const headers = { 'idempotency-key': 'k' };
  for (const one of [id, id.toUpperCase()]) {
    const answer = await gateway.call('POST', `/v1/plans/${one}/apply`, { body: { hash }, headers });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }
  assert.equal(scopes.length, 2);
  assert.equal(scopes[0], scopes[1]);
  for (const wrong of ['', 'abc', hash.slice(1)]) {
    const answer = await gateway.call('POST', `/v1/plans/${id}/apply`, { body: { hash: wrong } });
    assert.deepEqual([answer.status, answer.body.errors[0].field], [422, 'hash']);
  }
  assert.equal(scopes.length, 2);
});
