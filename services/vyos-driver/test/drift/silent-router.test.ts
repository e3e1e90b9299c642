import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DriftService, RouterState } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { driverWorld, type World } from '../support/driver-world.ts';
import { admin, masterKey, routerSide, withCode } from '../support/router-side.ts';

const timeoutMs = 20_000;
const { method } = DriftService;
const check = ({ bus }: World, waitMs: number, repair = false) =>
  request(bus, method.checkDrift, { principal: admin, router: 'default', repair, waitMs }, { timeoutMs });

test('a comparison or repair of a router that is switched off is refused, and not kept for later', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const side = routerSide(world);
  await side.inState('default', RouterState.OK);
  await side.update({ router: 'default', enabled: false });
  await assert.rejects(check(world, 0, true), withCode('ROUTER_DISABLED'));
  await assert.rejects(check(world, 1_000), withCode('ROUTER_DISABLED'));
  const asked = await world.query('SELECT FROM routers WHERE drift_asked > drift_answered');
  assert.deepEqual(asked, []);
});

test('whoever waits for the comparison of a router that does not answer is told so; it is made when it does', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await eventually(() => world.states().includes(RouterState.OK));
  world.router.addFault({ kind: 'bad_gateway', endpoint: '/retrieve', times: 100_000 });
  await assert.rejects(check(world, 3_000), withCode('ROUTER_UNAVAILABLE'));
  const { done, report } = await check(world, 0);
  assert.equal(done, false);
  assert.ok([RouterState.UNREACHABLE, RouterState.BREAKER_OPEN].includes(report?.routerState ?? RouterState.OK));
  world.router.clearFaults();
  assert.equal((await check(world, 15_000)).done, true);
});
