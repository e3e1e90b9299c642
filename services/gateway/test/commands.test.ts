import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  OperationKind,
  OperationState,
  PortAction,
  type ProvisionVmRequest,
  subjectOfMethod,
  VmSchema,
  VmService,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually } from '@berth/testing';
import { create } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { anOperation, aVm, type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';

const { method } = VmService;
const path = '/v1/vms/provision';
const body = { vm_name: 'web-01' };
const notFound = () => {
  throw new DomainError('not_found', 'OPERATION_NOT_FOUND', 'There is no such operation.');
};

/** Accepts provisions and leaves them running; gives back what was asked. */
function acceptOnly(gateway: GatewayUnderTest): ProvisionVmRequest[] {
  const asked: ProvisionVmRequest[] = [];
  gateway.answer(method.provisionVm, (message) => {
    asked.push(message);
    return { operation: running(message.context?.operationId) };
  });
  return asked;
}

const running = (id = '') => anOperation({ id, state: OperationState.RUNNING, vmName: 'web-01' });

/** Hears commands and says nothing. */
const stayMute = (gateway: GatewayUnderTest) =>
  gateway.bus.connection.subscribe(subjectOfMethod(gateway.prefix, method.provisionVm), { callback: () => {} });

test('a provision is answered 201 as soon as the end of its operation is told', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptOnly(gateway);
  gateway.answer(method.getOperation, ({ operationId }) => ({ operation: running(operationId) }));
  const waiting = gateway.call('POST', path, {
    body: { ...body, metadata: { a: [1] }, mac_address: '52-54-00-12-34-56' },
  });
  const message = await eventually(() => asked[0]);
  assert.equal(message.macAddress, '52:54:00:12:34:56');
  assert.deepEqual(message.metadata, { a: [1] });
  assert.equal(message.context?.mayWait, false);
  assert.equal(message.context?.principal?.id, 'id-of-admin-1');
  gateway.tellEnd(anOperation({ id: message.context?.operationId ?? '', vm: aVm({ metadata: { a: [1] } }) }));
  const answer = await waiting;
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.body.external_ports, { ssh: 32_000, http: 32_001, https: 32_002 });
  assert.equal(answer.body.operation_id, message.context?.operationId);
  assert.equal(answer.body.nat_rule_base, 10_000);
  assert.equal(answer.body.machine_id, 'web-01');
  assert.deepEqual(answer.body.metadata, { a: [1] });
});

test('external_ports are those of forwards with one port, disabled ones too', async (t) => {
  const gateway = await startTestGateway(t);
  const forwards = [
    { name: 'ssh', externalPort: 32_000, externalPortEnd: 32_000, enabled: false },
    { name: 'rtp', externalPort: 32_010, externalPortEnd: 32_019, enabled: true },
  ];
  gateway.answer(method.provisionVm, ({ context }) => ({
    operation: anOperation({ id: context?.operationId ?? '', vm: aVm({ forwards }) }),
  }));
  assert.deepEqual((await gateway.call('POST', path, { body })).body.external_ports, { ssh: 32_000 });
});

test('an end whose news is lost is found by looking', async (t) => {
  const gateway = await startTestGateway(t);
  acceptOnly(gateway);
  gateway.answer(method.getOperation, ({ operationId }) => ({ operation: anOperation({ id: operationId }) }));
  assert.equal((await gateway.call('POST', path, { body })).status, 201);
});

test('respond-async is answered 202 at once, with the operation and where it is', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptOnly(gateway);
  const answer = await gateway.call('POST', path, { body, headers: { prefer: 'respond-async' } });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get('location'), `/v1/operations/${answer.body.id}`);
  assert.equal(answer.headers.get('preference-applied'), 'respond-async');
  assert.equal(answer.body.state, 'running');
  assert.equal(answer.body.kind, 'provision_vm');
  assert.equal(answer.body.resource.name, 'web-01');
  assert.equal(answer.body.result, null);
  assert.equal(answer.body.error, null);
  assert.equal(asked[0]?.context?.mayWait, true);
});

test('a wait that is over is answered 202, and the operation can be followed to its end', async (t) => {
  const gateway = await startTestGateway(t, { env: { BERTH_WAIT_SECONDS: '0' } });
  acceptOnly(gateway);
  const stop = gateway.answer(method.getOperation, ({ operationId }) => ({ operation: running(operationId) }));
  const answer = await gateway.call('POST', path, { body });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get('preference-applied'), null);
  const short = await gateway.call('POST', path, { body, headers: { prefer: 'wait=1' } });
  assert.equal(short.status, 202);
  assert.equal(short.headers.get('preference-applied'), 'wait=1');

  const location = answer.headers.get('location') ?? '';
  const follow = gateway.call('GET', location, { headers: { prefer: 'wait=10' } });
  await eventually(async () => (await gateway.metrics.metrics()).match(/operations_waiting 1/));
  gateway.tellEnd(anOperation({ id: answer.body.id }));
  const followed = await follow;
  assert.equal(followed.body.state, 'succeeded');
  assert.equal(followed.body.result.vm_name, 'web-01');
  assert.equal(followed.body.result.operation_id, answer.body.id);
  await stop();
});

test('a failed operation is answered with its reason and the status of its kind', async (t) => {
  const gateway = await startTestGateway(t);
  const failures = [
    ['rejected', 'ROUTER_REFUSED', 502],
    ['exhausted', 'ADDRESSES_EXHAUSTED', 507],
    ['conflict', 'PORT_TAKEN', 409],
    ['bug', 'INTERNAL', 500],
  ] as const;
  for (const [kind, code, status] of failures) {
    const stop = gateway.answer(method.provisionVm, ({ context }) => ({
      operation: anOperation({
        id: context?.operationId ?? '',
        state: OperationState.FAILED,
        error: { kind, code, message: 'Path [nat] is not valid' },
      }),
    }));
    const answer = await gateway.call('POST', path, { body });
    assert.equal(answer.status, status);
    assert.equal(answer.body.code, code);
    assert.equal(answer.body.detail, 'Path [nat] is not valid');
    assert.match(answer.body.operation_id, /^[0-9a-f-]{36}$/);
    await stop();
  }
});

test('a cancelled operation is a conflict', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.provisionVm, ({ context }) => ({
    operation: anOperation({ id: context?.operationId ?? '', state: OperationState.CANCELLED }),
  }));
  const answer = await gateway.call('POST', path, { body });
  assert.equal(answer.status, 409);
  assert.equal(answer.body.code, 'OPERATION_CANCELLED');
});

test('a refusal before acceptance is passed on, with its fields and Retry-After', async (t) => {
  const gateway = await startTestGateway(t);
  let refusal = new DomainError('unavailable', 'ROUTER_UNREACHABLE', 'The router is away.', { retryAfterSeconds: 17 });
  gateway.answer(method.provisionVm, () => {
    throw refusal;
  });
  const away = await gateway.call('POST', path, { body });
  assert.equal(away.status, 503);
  assert.equal(away.headers.get('retry-after'), '17');
  refusal = new DomainError('invalid', 'RANGE_OUTSIDE', 'No.', {
    fields: [{ field: 'ip_range', message: 'lies outside' }],
  });
  const invalid = await gateway.call('POST', path, { body });
  assert.equal(invalid.status, 422);
  assert.deepEqual(invalid.body.errors, [{ field: 'ip_range', message: 'lies outside' }]);
});

test('silence about a command that had been accepted ends with its result', async (t) => {
  const gateway = await startTestGateway(t);
  stayMute(gateway);
  let looks = 0;
  gateway.answer(method.getOperation, ({ operationId }) =>
    looks++ === 0 ? { operation: running(operationId) } : { operation: anOperation({ id: operationId }) },
  );
  assert.equal((await gateway.call('POST', path, { body })).status, 201);
});

test('silence about a command that was never accepted is 503 after its deadline, and not before', async (t) => {
  const gateway = await startTestGateway(t);
  stayMute(gateway);
  let lastLook = 0;
  gateway.answer(method.getOperation, () => {
    lastLook = performance.now();
    return notFound();
  });
  const startedAt = performance.now();
  const answer = await gateway.call('POST', path, { body });
  assert.equal(answer.status, 503);
  assert.equal(answer.body.code, 'COMMAND_NOT_ACCEPTED');
  assert.notEqual(answer.headers.get('retry-after'), null);
  assert.ok(lastLook - startedAt >= 690, `the last look came after ${lastLook - startedAt} ms`);
});

test('a command whose answer is that the database was lost is looked for, as after silence', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.provisionVm, () => {
    throw new DomainError('unavailable', 'DATABASE_UNAVAILABLE', 'The database is away.');
  });
  let looks = 0;
  const end = gateway.answer(method.getOperation, ({ operationId }) =>
    looks++ < 1 ? notFound() : { operation: anOperation({ id: operationId }) },
  );
  assert.equal((await gateway.call('POST', path, { body })).status, 201);
  await end();
  gateway.answer(method.getOperation, notFound);
  const never = await gateway.call('POST', path, { body });
  assert.deepEqual([never.status, never.body.code], [503, 'COMMAND_NOT_ACCEPTED']);
});

test('a command that reaches the allocator late is found although it was silent at first', async (t) => {
  const gateway = await startTestGateway(t);
  stayMute(gateway);
  let looks = 0;
  gateway.answer(method.getOperation, ({ operationId }) =>
    looks++ < 2 ? notFound() : { operation: anOperation({ id: operationId }) },
  );
  assert.equal((await gateway.call('POST', path, { body })).status, 201);
});

test('when nobody can tell what became of a silent command, the answer is 504 with its operation', async (t) => {
  const gateway = await startTestGateway(t, { env: { BERTH_WAIT_SECONDS: '0' } });
  stayMute(gateway);
  const answer = await gateway.call('POST', path, { body });
  assert.equal(answer.status, 504);
  assert.equal(answer.body.code, 'OUTCOME_UNKNOWN');
  assert.equal(answer.headers.get('location'), `/v1/operations/${answer.body.operation_id}`);
});

test('when nobody listens the answer is 503, because nothing can have been stored', async (t) => {
  const gateway = await startTestGateway(t);
  const answer = await gateway.call('POST', path, { body });
  assert.equal(answer.status, 503);
  assert.equal(answer.body.code, 'SERVICE_UNAVAILABLE');
  assert.equal(answer.headers.get('retry-after'), '2');
});

test('a replica that restarts is waited for', async (t) => {
  const gateway = await startTestGateway(t);
  const waiting = gateway.call('POST', path, { body });
  await eventually(async () => /operations_waiting 1/.test(await gateway.metrics.metrics()));
  gateway.answer(method.provisionVm, ({ context }) => ({ operation: anOperation({ id: context?.operationId ?? '' }) }));
  assert.equal((await waiting).status, 201);
});

test('the deadline of a command lies as far ahead as is set', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptOnly(gateway);
  const before = Date.now();
  await gateway.call('POST', path, { body, headers: { prefer: 'respond-async' } });
  const deadline = asked[0]?.context?.deadline;
  assert.ok(deadline);
  const ahead = timestampDate(deadline).getTime() - before;
  assert.ok(ahead >= 600 && ahead < 2_000, `${ahead} ms`);
});

test('an idempotency key is scoped to principal, method and path, the same for every alias of a path', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptOnly(gateway);
  const send = (url: string, more: Record<string, unknown> = {}, apiKey = 'operator-1') =>
    gateway.call('POST', url, {
      body: { ...body, ...more },
      apiKey,
      headers: { 'idempotency-key': 'order-1', prefer: 'respond-async' },
    });
  await send(path, { pool: 'a', router: 'b' });
  await send('/v1/provision', { router: 'b', pool: 'a' });
  await send(path, { pool: 'b' });
  await send(path, {}, 'operator-2');
  const keys = asked.map(({ context }) => context?.idempotency);
  assert.equal(keys[0]?.scope, 'id-of-operator-1 POST /v1/vms/provision');
  assert.equal(keys[0]?.key, 'order-1');
  assert.equal(keys[0]?.fingerprint.length, 32);
  assert.deepEqual(keys[1], keys[0]);
  assert.notDeepEqual(keys[2]?.fingerprint, keys[0]?.fingerprint);
  assert.equal(keys[3]?.scope, 'id-of-operator-2 POST /v1/vms/provision');
});

test('a replay says so; a key that is still running is 409 with the operation’s address', async (t) => {
  const gateway = await startTestGateway(t);
  const headers = { 'idempotency-key': 'order-1' };
  const first = anOperation();
  const stop = gateway.answer(method.provisionVm, () => ({ operation: first, replayed: true }));
  const replay = await gateway.call('POST', path, { body, headers });
  assert.equal(replay.status, 201);
  assert.equal(replay.headers.get('idempotency-replayed'), 'true');
  assert.equal(replay.body.operation_id, first.id);
  await stop();

  const operationId = randomUUID();
  gateway.answer(method.provisionVm, () => {
    throw new DomainError('conflict', 'IDEMPOTENCY_KEY_RUNNING', 'The first request is still running.', {
      operationId,
    });
  });
  const early = await gateway.call('POST', path, { body, headers });
  assert.equal(early.status, 409);
  assert.equal(early.headers.get('location'), `/v1/operations/${operationId}`);
  assert.equal((await gateway.call('POST', path, { body, headers: { 'idempotency-key': 'a b' } })).status, 422);
});

test('several forwards are changed, and shown as they stand now', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.changePorts, ({ context, machineId, action, portNames }) => {
    assert.deepEqual([machineId, action, portNames], ['web-01', PortAction.PAUSE, ['ssh', 'gopher']]);
    const vm = create(VmSchema, aVm());
    for (const forward of vm.forwards) forward.enabled = forward.name !== 'ssh';
    return {
      operation: anOperation({
        id: context?.operationId ?? '',
        kind: OperationKind.CHANGE_PORTS,
        portAction: action,
        portNames,
        vm,
      }),
    };
  });
  const answer = await gateway.call('POST', '/v1/vms/web-01/ports/template', {
    body: { action: 'pause', ports: ['ssh', 'gopher'] },
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, {
    status: 'success',
    machine_id: 'web-01',
    action: 'pause',
    ports: {
      ssh: { status: 'disabled', external_port: 32_000, nat_rule_number: 10_000 },
      gopher: { status: 'not_active', external_port: null, nat_rule_number: null },
    },
  });
});

test('one forward is changed by its name, one with an impossible name does not exist', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.changePorts, ({ context, action, portNames }) => ({
    operation: anOperation({
      id: context?.operationId ?? '',
      kind: OperationKind.CHANGE_PORTS,
      portAction: action,
      portNames,
      vm: aVm(),
    }),
  }));
  const answer = await gateway.call('POST', '/v1/vms/web-01/ports/ssh', { body: { action: 'enable' } });
  assert.deepEqual(answer.body, {
    status: 'success',
    machine_id: 'web-01',
    port: 'ssh',
    action: 'enable',
    port_status: 'enabled',
    external_port: 32_000,
    nat_rule_number: 10_000,
  });
  assert.equal((await gateway.call('POST', '/v1/vms/web-01/ports/a%20b', { body: { action: 'enable' } })).status, 404);
  assert.equal((await gateway.call('POST', '/v1/vms/web-01/ports/ssh', { body: { action: 'create' } })).status, 422);
  assert.equal((await gateway.call('POST', '/v1/vms/a_b/ports/ssh', { body: { action: 'enable' } })).status, 404);
});

test('a decommissioned VM is answered 200, also when the client names a body’s type without a body', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.decommissionVm, ({ context, machineId }) => ({
    operation: anOperation({ id: context?.operationId ?? '', kind: OperationKind.DECOMMISSION_VM, vmName: machineId }),
  }));
  const answer = await gateway.call('DELETE', '/v1/vms/web-01/decommission', {
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, { status: 'success', message: 'VM web-01 is decommissioned.' });
});

test('a stop answers 202 to whoever waits', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptOnly(gateway);
  gateway.answer(method.getOperation, ({ operationId }) => ({ operation: running(operationId) }));
  const waiting = gateway.call('POST', path, { body });
  await eventually(() => asked[0]);
  const stoppedAt = performance.now();
  await gateway.stop();
  assert.ok(performance.now() - stoppedAt < 30_000, 'no connection is kept that would hold up the stop (for 72 s)');
  const answer = await waiting;
  assert.equal(answer.status, 202);
  assert.equal(answer.body.id, asked[0]?.context?.operationId);
  await assert.rejects(gateway.call('GET', '/'));
});

test('a caller that goes away leaves no waiter, and its operation goes on', async (t) => {
  const gateway = await startTestGateway(t);
  const asked = acceptOnly(gateway);
  gateway.answer(method.getOperation, ({ operationId }) => ({ operation: running(operationId) }));
  const leaving = new AbortController();
  const request = fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'x-api-key': 'admin-1', 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: leaving.signal,
  });
  await eventually(() => asked[0]);
  leaving.abort();
  await assert.rejects(request);
  await eventually(async () => /operations_waiting 0/.test(await gateway.metrics.metrics()));
  assert.equal(asked.length, 1);
});

test('an operation that is not there, or cannot be, is 404', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.getOperation, notFound);
  assert.equal((await gateway.call('GET', `/v1/operations/${randomUUID()}`)).status, 404);
  assert.equal((await gateway.call('GET', '/v1/operations/4711')).body.code, 'OPERATION_NOT_FOUND');
});
