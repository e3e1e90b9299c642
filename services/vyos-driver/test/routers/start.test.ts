import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { changeFor } from '../support/changes.ts';
import { driverProcess } from '../support/driver-process.ts';
import { driverWorld, isApplied } from '../support/driver-world.ts';

const secondSubnet = [
  'set service dhcp-server shared-network-name DMZ subnet 10.20.0.0/24 subnet-id 7',
  'set service dhcp-server shared-network-name DMZ subnet 10.20.0.0/24 range 0 start 10.20.0.10',
  'set service dhcp-server shared-network-name DMZ subnet 10.20.0.0/24 range 0 stop 10.20.0.20',
  'set interfaces ethernet eth2 address 10.20.0.1/24',
];

test('a router whose place in the network is ambiguous stops the start; a setting that chooses lets it go on', async (t) => {
  const world = await driverWorld(t);
  await world.router.person({ commands: secondSubnet });
  await assert.rejects(world.start(), /DMZ 10\.20\.0\.0\/24, LAN 10\.10\.0\.0\/16|LAN 10\.10\.0\.0\/16, DMZ/);
  await world.start({ wishes: { dhcpNetwork: 'LAN', dhcpSubnet: '10.10.0.0/16' } });
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
});

test('the process ends with 78 then, and tells the choices', async (t) => {
  const world = await driverWorld(t);
  await world.router.person({ commands: secondSubnet });
  const child = driverProcess(t, world);
  assert.ok(child.stderr);
  const [told, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.equal(code, 78);
  assert.match(told, /BERTH_DHCP_NETWORK.*DMZ 10\.20\.0\.0\/24/);
  assert.doesNotMatch(told, new RegExp(world.router.key));
});

test('a driver that starts while its router is away starts all the same, and works when it is there', async (t) => {
  const world = await driverWorld(t);
  const back = world.router.reboot({ downMs: 500 });
  await world.start();
  await world.send(changeFor(1));
  await back;
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
});

test('a place that became ambiguous later is no reason to stop: it stays as it was', async (t) => {
  const world = await driverWorld(t);
  const first = await world.start();
  await first.stop();
  await world.router.person({ commands: secondSubnet });
  await world.start();
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.equal(world.statuses.at(-1)?.profile?.dhcpNetwork, 'LAN');
});
