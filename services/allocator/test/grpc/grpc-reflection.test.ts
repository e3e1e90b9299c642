import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolSchema, PoolService, PoolUseSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import {
  create,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import { type GrpcSide, startGrpcSide, type TestClient } from '../support/grpc-side.ts';
import { ReflectionClient } from './reflection-client.ts';

const name = PoolService.typeName;

function messageOf(types: FileRegistry, typeName: string): DescMessage {
  const found = types.getMessage(typeName);
  if (found === undefined) throw new Error(`${typeName} is not described`);
  return found;
}

/** Calls a method with nothing known of it but what the server described. */
async function callByName(client: TestClient, types: FileRegistry, method: string, request: object): Promise<unknown> {
  const described = types.getService(name)?.methods.find((one) => one.name === method);
  if (described === undefined) throw new Error(`${method} is not described`);
  const message = fromJson(described.input, JSON.parse(JSON.stringify(request)));
  const { answer } = await client.send(described, toBinary(described.input, message));
  return toJson(described.output, fromBinary(described.output, answer), { alwaysEmitImplicit: false });
}

const open = (side: GrpcSide) => ({ client: side.client(), reflection: new ReflectionClient(side.client()) });

test('a client that knows nothing learns every service and method, and how they are written', async (t) => {
  const { reflection } = open(await startGrpcSide(t));
  assert.deepEqual((await reflection.services()).sort(), [name, 'grpc.health.v1.Health']);
  const service = (await reflection.typesOf(name)).getService(name);
  const shape = (one: (typeof PoolService.methods)[number]) => [
    one.name,
    one.methodKind,
    one.input.fields.map((field) => [field.name, field.number, field.fieldKind, field.presence]),
    one.output.fields.map((field) => [field.name, field.number, field.fieldKind, field.presence]),
  ];
  assert.deepEqual(service?.methods.map(shape), PoolService.methods.map(shape));
  for (const other of ['berth.allocator.v1.VmService', 'grpc.health.v1.Health', 'google.rpc.ErrorInfo']) {
    assert.ok((await reflection.typesOf(other)).get(other), other);
  }
});

test('with what it learnt it calls, with nested fields, and reads an optional that is not set as absent', async (t) => {
  let taken: number | undefined;
  const { client, reflection } = open(
    await startGrpcSide(t, {
      async createPool({ pool }) {
        const use = create(PoolUseSchema, { size: 4n });
        if (taken !== undefined) use.takenPerHour = taken;
        return Object.assign(create(PoolSchema, pool), { use });
      },
    }),
  );
  const types = await reflection.typesOf(name);
  const pool = { name: 'ip-pools/a', ip: { ranges: [{ first: '10.0.0.1', last: '10.0.0.4' }], dns: ['10.0.0.1'] } };
  assert.deepEqual(await callByName(client, types, 'CreatePool', { pool }), { ...pool, use: { size: '4' } });
  taken = 0;
  assert.deepEqual(await callByName(client, types, 'CreatePool', { pool }), {
    ...pool,
    use: { size: '4', takenPerHour: 0 },
  });
});

test('it reads the details of an error by the types that the server describes', async (t) => {
  const getPool = () => Promise.reject(new DomainError('exhausted', 'POOL_EXHAUSTED', 'Nothing is left.'));
  const { client, reflection } = open(await startGrpcSide(t, { getPool }));
  const types = await reflection.typesOf(name);
  const error: ServiceError = await callByName(client, types, 'GetPool', {}).then(
    () => assert.fail('it did not fail'),
    (thrown) => thrown,
  );
  const bytes = error.metadata.get('grpc-status-details-bin')[0];
  assert.ok(Buffer.isBuffer(bytes));
  const status = messageOf(await reflection.typesOf('google.rpc.Status'), 'google.rpc.Status');
  const registry = await reflection.typesOf('google.rpc.ErrorInfo');
  const shown = toJson(status, fromBinary(status, bytes), { registry }) as { details: { '@type': string }[] };
  assert.deepEqual(shown.details[0], {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'POOL_EXHAUSTED',
    domain: 'berth',
  });
});
