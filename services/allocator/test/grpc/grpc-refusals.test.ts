import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { toldEntries } from '../support/audit-side.ts';
import { startGrpcSide } from '../support/grpc-side.ts';

const { method } = PoolService;

test('a call that wanted to change something and came to nothing is an entry, before its caller hears of it', async (t) => {
  const taken = async () => {
    throw new DomainError('conflict', 'POOL_NAME_TAKEN', 'There is one.');
  };
  const missing = async () => {
    throw new DomainError('not_found', 'POOL_NOT_FOUND', 'There is none.');
  };
  const { client, bus } = await startGrpcSide(t, { createPool: taken, getPool: missing });
  const pools = client();
  const metadata = { 'x-request-id': 'r-1' };
  const pool = { name: 'ip-pools/a', description: 'password=Planted-Secret-1' };
  assert.equal((await pools.failure(method.createPool, { pool }, { metadata })).code, 'ALREADY_EXISTS');
  const [first, ...more] = await toldEntries(bus);
  assert.equal(more.length, 0);
  assert.deepEqual(
    [first?.action, first?.result, first?.principal?.id, first?.clientAddress, first?.requestId],
    ['request.createPool', 'POOL_NAME_TAKEN', 'admin-1', '127.0.0.1', 'r-1'],
  );
  const path = '/berth.allocator.v1.PoolService/CreatePool';
  const body = { pool: { ...pool, description: 'password=[redacted]' } };
  assert.deepEqual(JSON.parse(first?.detailsJson ?? ''), { method: 'gRPC', path, body });
  // Reads are none, whatever becomes of them; who may not, and who is nobody, are.
  await pools.failure(method.getPool, {});
  await pools.failure(method.reserve, { note: 'x' }, { apiKey: 'viewer-1' });
  await pools.failure(method.reserve, { note: 'Planted-Secret-2' }, { apiKey: null });
  await pools.call(method.drainPool, {});
  const [, denied, unknown, ...others] = await toldEntries(bus);
  assert.equal(others.length, 0);
  assert.deepEqual([denied?.result, denied?.principal?.id], ['PERMISSION_DENIED', 'viewer-1']);
  assert.deepEqual([unknown?.result, unknown?.principal], ['CREDENTIALS_MISSING', undefined]);
  assert.ok(!unknown?.detailsJson.includes('Planted-Secret-2'));
});

test('whoever is refused again and again over gRPC is told one by one at first and counted then', async (t) => {
  const side = await startGrpcSide(t);
  const pools = side.client();
  const refuse = (count: number) =>
    Promise.all(Array.from({ length: count }, () => pools.failure(method.reserve, {}, { apiKey: null })));
  await refuse(30);
  assert.equal((await toldEntries(side.bus)).length, 20);
  // What was counted is told when the minute is over, or the service stops.
  await side.refusals.stop();
  const last = (await toldEntries(side.bus)).at(-1);
  assert.deepEqual([last?.action, last?.resourceId], ['request.refused', '127.0.0.1']);
  assert.deepEqual(JSON.parse(last?.detailsJson ?? ''), { count: 10 });
});
