import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldingKind, RouterService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { driverWorld, listRouters, type World } from '../support/driver-world.ts';

const list = (world: World, given: { inventory?: bigint; pageToken?: string; router?: string } = {}) =>
  request(world.bus, RouterService.method.listForeignHoldings, { router: 'default', ...given }, { timeoutMs: 20_000 });

const withCode = (code: string) => (error: unknown) => error instanceof DomainError && error.code === code;

test('the inventory comes page by page, each of 2,000, in all every holding once', async (t) => {
  const world = await driverWorld(t);
  const commands = Array.from({ length: 2_100 }, (_, at) => `set nat destination rule ${at + 100} description r${at}`);
  await world.router.person({
    commands: commands.flatMap((command, at) => [
      command,
      `set nat destination rule ${at + 100} translation address 10.10.0.${1 + (at % 200)}`,
    ]),
  });
  await world.start();
  const first = await list(world);
  assert.equal(first.holdings.length, 2_000);
  assert.notEqual(first.nextPageToken, '');
  const second = await list(world, { inventory: first.inventory, pageToken: first.nextPageToken });
  assert.equal(second.nextPageToken, '');
  const numbers = [...first.holdings, ...second.holdings]
    .filter((holding) => holding.kind === HoldingKind.RULE_NUMBER)
    .map((holding) => holding.firstNumber);
  assert.equal(numbers.length, new Set(numbers).size);
  assert.ok(numbers.length >= 2_100);
});

test('a page of an inventory that is not the newest any more is a conflict', async (t) => {
  const world = await driverWorld(t, { times: { driftEveryMs: 50 } });
  await world.start();
  const before = await list(world);
  await world.router.person({
    commands: [
      'set nat destination rule 77 translation address 10.10.0.77',
      'set nat destination rule 77 inbound-interface name eth0',
    ],
  });
  const after = await eventually(async () => {
    const page = await list(world);
    return page.inventory > before.inventory && page;
  });
  assert.ok(after.holdings.some((holding) => holding.firstNumber === 77));
  assert.equal(world.statuses.at(-1)?.inventory, after.inventory);
  await assert.rejects(list(world, { inventory: before.inventory }), withCode('INVENTORY_CHANGED'));
  await assert.rejects(list(world, { router: 'nowhere' }), withCode('ROUTER_UNKNOWN'));
  await assert.rejects(list(world, { pageToken: 'x' }), withCode('PAGE_TOKEN_INVALID'));
});

test('a router whose profile was stored before its networks were told is listed without them', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const [now] = await listRouters(world.bus);
  assert.equal(now?.profile?.subnets.length, 1);
  await world.query(`UPDATE routers SET profile = profile - 'subnets' - 'interfaces'`);
  const [before] = await listRouters(world.bus);
  assert.deepEqual(
    [before?.profile?.dhcpNetwork, before?.profile?.subnets, before?.profile?.interfaces],
    ['LAN', [], []],
  );
});
