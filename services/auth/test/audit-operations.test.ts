import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { OperationEndedSchema, OperationKind, OperationState, Protocol, subjects } from '@berth/contracts';
import { notify } from '@berth/messaging';
import { eventually } from '@berth/testing';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { writeAudit } from '../src/adapters/postgres/audit/audit-rows.ts';
import { berthItself } from '../src/app/asker.ts';
import { auditLog } from './support/audit-log.ts';
import { newWorld } from './support/world.ts';

test('whoever asked for an operation that ended is named, as what they are', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const [key] = await database.query<{ id: string; name: string }>('SELECT id, name FROM api_keys');
  await database.transaction((sql) =>
    writeAudit(sql, berthItself, new Date(), [
      {
        action: 'user.deleted',
        resource: { id: 'gone', name: 'ann' },
        actor: { id: 'gone', kind: 'user', name: 'ann' },
      },
    ]),
  );
  for (const principalId of [key?.id, 'gone', '', 'nobody']) {
    const id = randomUUID();
    const operation = {
      id,
      state: OperationState.SUCCEEDED,
      principalId: principalId ?? '',
      updatedAt: timestampNow(),
    };
    notify(world.bus, subjects.operationEnded(id), OperationEndedSchema, { operation });
  }
  const entries = await eventually(async () => {
    const page = await auditLog(world.bus).list({ actionPrefix: 'operation.' });
    return page.entries.length === 4 && page.entries;
  });
  assert.deepEqual(entries.map(({ actorId, actorKind, actorName }) => `${actorId} ${actorKind} ${actorName}`).sort(), [
    ' service berth',
    `${key?.id} api_key ${key?.name}`,
    'gone user ann',
    'nobody unknown ',
  ]);
});

test('the end of an operation is one entry with its outcome, however often it is told', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const id = randomUUID();
  const operation = {
    ...{ id, kind: OperationKind.PROVISION_VM, state: OperationState.FAILED, vmId: 'v1', vmName: 'web-1' },
    ...{ principalId: 'p1', router: 'default', updatedAt: timestampNow() },
    error: { kind: 'rejected', code: 'ROUTER_REJECTED', message: 'no: password=hunter2' },
  };
  const ended = () => notify(world.bus, subjects.operationEnded(id), OperationEndedSchema, { operation });
  ended();
  ended();
  const log = auditLog(world.bus);
  const entries = await eventually(async () => {
    const page = await log.list({ actionPrefix: 'operation.' });
    return page.entries.length > 0 && page.entries;
  });
  assert.equal(entries.length, 1);
  const [entry] = entries;
  assert.deepEqual(
    [entry?.action, entry?.result, entry?.actorId, entry?.resourceType, entry?.resourceId, entry?.resourceName],
    ['operation.failed', 'ROUTER_REJECTED', 'p1', 'vm', 'web-1', 'web-1'],
  );
  assert.deepEqual(JSON.parse(entry?.detailsJson ?? ''), {
    ...{ operation_id: id, kind: 'provision_vm', vm_id: 'v1', router: 'default', owner_group: '' },
    reason: 'no: password=[redacted]',
  });
});

test('the end of an operation tells what it made of its VM', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const forward = (name: string, enabled: boolean) => ({ name, enabled, protocol: Protocol.TCP, internalPort: 22 });
  const vm = { id: 'v1', name: 'web-1', router: 'edge', internalIp: '10.0.0.2', version: 3n };
  const metadata = { team: 'net', password: 'planted' };
  const was = { ...vm, metadata, forwards: [forward('ssh', true), forward('http', true)] };
  const is = { ...vm, metadata, version: 4n, forwards: [forward('ssh', false), forward('http', true)] };
  const tellOf = (
    kind: OperationKind,
    states: Pick<MessageInitShape<typeof OperationEndedSchema>, 'before'>,
    after: typeof was,
  ) => {
    const id = randomUUID();
    const operation = { id, kind, state: OperationState.SUCCEEDED, updatedAt: timestampNow(), vm: after };
    notify(world.bus, subjects.operationEnded(id), OperationEndedSchema, { ...states, operation });
  };
  tellOf(OperationKind.PROVISION_VM, {}, was);
  tellOf(OperationKind.CHANGE_PORTS, { before: was }, is);
  tellOf(OperationKind.DECOMMISSION_VM, { before: is }, is);
  const entries = await eventually(async () => {
    const page = await auditLog(world.bus).list({ actionPrefix: 'operation.' });
    return page.entries.length === 3 && page.entries;
  });
  const of = (kind: string) => {
    const entry = entries.find(({ detailsJson }) => JSON.parse(detailsJson).kind === kind);
    return [entry?.beforeJson, entry?.afterJson].map((text) => JSON.parse(text || 'null'));
  };
  const [[none, made], [before, after], [removed, gone]] = [
    of('provision_vm'),
    of('change_ports'),
    of('decommission_vm'),
  ];
  assert.deepEqual([none, gone], [null, null]);
  assert.deepEqual([made.forwards.length, made.metadata], [2, { team: 'net', password: '[redacted]' }]);
  assert.deepEqual([removed.internal_ip, removed.version], ['10.0.0.2', 4]);
  const shown = (state: typeof before) => [
    Object.keys(state).sort(),
    state.forwards.map(({ name, status }: Shown) => [name, status]),
  ];
  assert.deepEqual(shown(before), [['forwards', 'version'], [['ssh', 'enabled']]]);
  assert.deepEqual(shown(after), [['forwards', 'version'], [['ssh', 'disabled']]]);
});

interface Shown {
  readonly name: string;
  readonly status: string;
}
