import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openDatabase } from '@berth/database';
import { createLogger } from '@berth/service-kit';
import { faultProxy, freshDatabase } from '@berth/testing';
import { migrations } from '../../src/adapters/postgres/migrations/index.ts';
import { PostgresLeaseStore } from '../../src/adapters/postgres/routers/postgres-lease-store.ts';
import { RouterLease } from '../../src/app/lease.ts';
import { driverSchema } from '../support/driver-schema.ts';

const times = { leaseTtlMs: 2_000, leaseMarginMs: 500 };

/** A lease over a line to the database that can be cut. */
async function takeLease(t: TestContext) {
  const url = new URL((await freshDatabase(t, driverSchema)).url);
  const proxy = await faultProxy(t, { host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  url.hostname = '127.0.0.1';
  const database = await openDatabase({ url: url.href, schema: 'vyos_driver', migrations, applicationName: 'test' });
  t.after(async () => {
    proxy.resume();
    await database.close();
  });
  await database.migrate();
  await database.execute(`INSERT INTO routers (name) VALUES ('r')`);
  const log = createLogger('test', 'silent');
  const lease = await RouterLease.acquire({ store: new PostgresLeaseStore(database), log, times }, 'r', 'me');
  assert.ok(lease);
  t.after(() => lease.abandon());
  return { lease, proxy };
}

test('the fence closes when the wall clock shows that the machine stood still', async (t) => {
  const { lease } = await takeLease(t);
  assert.ok(lease.mayStillSend());
  const now = Date.now;
  t.mock.method(Date, 'now', () => now() + times.leaseTtlMs - times.leaseMarginMs);
  assert.ok(!lease.mayStillSend());
});

test('a database that swallows everything does not hold up the giving back of a lease', async (t) => {
  const { lease, proxy } = await takeLease(t);
  proxy.stall();
  await assert.rejects(lease.release(), /did not answer/); // while the line still swallows: without a bound this would not end
  assert.ok(!lease.mayStillSend());
});
