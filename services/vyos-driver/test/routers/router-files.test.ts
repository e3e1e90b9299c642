import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AuditRecordSchema, RouterFileService, RouterFileState } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { fromBinary } from '@bufbuild/protobuf';
import { changeFor } from '../support/changes.ts';
import { driverWorld, type World } from '../support/driver-world.ts';

const admin = { id: 'key-1', kind: 'api_key', name: 'ann', permissions: ['*'], group: '' };

async function save(world: World, name: string, { requestId = randomUUID(), waitMs = 10_000, principal = admin } = {}) {
  const message = { principal, router: 'default', name, requestId, waitMs };
  const { file } = await request(world.bus, RouterFileService.method.saveRouterFile, message, { timeoutMs: 15_000 });
  return file;
}

const list = async (world: World) =>
  (
    await request(
      world.bus,
      RouterFileService.method.listRouterFiles,
      { principal: admin, router: 'default' },
      { timeoutMs: 20_000 },
    )
  ).files;

const written = (world: World) =>
  world.router.log().filter(({ path, body }) => path === '/config-file' && Object(body).file !== undefined);

test('a file is written once, by whichever replica works the router, with the entry of the history that it is of', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const requestId = randomUUID();
  const file = await save(world, 'one', { requestId });
  assert.deepEqual([file?.state, file?.askedBy], [RouterFileState.SAVED, 'ann']);
  assert.ok((file?.commitNumber ?? 0n) > 0n);
  assert.deepEqual(await save(world, 'one', { requestId }), file, 'a repeat');
  await assert.rejects(save(world, 'one'), { code: 'ROUTER_FILE_EXISTS' });
  await assert.rejects(save(world, '../one'), { code: 'INVALID_REQUEST' });
  await assert.rejects(save(world, 'two', { principal: { ...admin, group: 'team' } }), { code: 'PERMISSION_DENIED' });
  assert.deepEqual(await list(world), [file]);
  const told = await world.query<{ payload: Buffer }>(
    "SELECT payload FROM outbox WHERE stream = 'AUDIT' AND payload::text LIKE '%' || encode('router_file.requested', 'hex') || '%'",
  );
  const [entry, ...others] = told.map(({ payload }) => fromBinary(AuditRecordSchema, payload));
  assert.deepEqual([others, entry?.resourceId, entry?.principal?.name], [[], 'default/one', 'ann']);
  assert.deepEqual(
    written(world).map(({ body }) => Object(body).file),
    ['/config/berth-backup-one.boot'],
  );
});

test('a file that is asked for while nobody works the router is written when somebody does, after what was open is settled', async (t) => {
  const world = await driverWorld(t);
  const first = await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await first.stop();
  await world.query(
    `INSERT INTO vyos_driver.router_files (router, name, request_id, state, asked_at, asked_by)
     VALUES ('default', 'later', '${randomUUID()}', 'asked', now(), 'ann')`,
  );
  await world.start();
  const file = await eventually(async () => (await list(world)).find(({ state }) => state === RouterFileState.SAVED));
  assert.equal(file.name, 'later');
  assert.equal(written(world).length, 1);
});
