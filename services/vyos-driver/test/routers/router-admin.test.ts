import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CheckResult, RouterAdminService, RouterService, RouterState } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { request } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventually } from '@berth/testing';
import { changeFor } from '../support/changes.ts';
import { driverWorld, isApplied, listRouters, mappingOf } from '../support/driver-world.ts';
import { admin, anotherRouter, masterKey, routerSide, settingsOf, withCode } from '../support/router-side.ts';

test('a router that is added at run time is worked, and its API key is in no row, message, log line or answer', async (t) => {
  const world = await driverWorld(t);
  const lines: string[] = [];
  const log = createLogger('test', 'trace', { write: (line) => void lines.push(line) });
  await world.start({ encryptionKeys: [masterKey()] }, { log });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  const added = await side.add({ name: 'edge', settings: settingsOf(edge) });
  assert.equal(added.settings?.key, '');
  assert.match(added.keyFingerprint, /^[0-9a-f]{8}$/);
  await side.inState('edge', RouterState.OK);
  await world.send(changeFor(1, { router: 'edge' }), changeFor(2));
  const verdicts = await world.verdicts('vm-1', 'vm-2');
  assert.ok(verdicts.every(isApplied));
  assert.notEqual(mappingOf(edge, 1), undefined);
  assert.equal(mappingOf(edge, 2), undefined);
  assert.notEqual(mappingOf(world.router, 2), undefined);
  await assert.rejects(side.add({ name: 'other', settings: { ...settingsOf(edge), host: '' } }));
  const rows = await world.query<{ text: string }>(
    `SELECT routers::text || encode(coalesce(sealed_key, ''), 'escape') AS text FROM routers
     UNION ALL SELECT outbox::text || encode(payload, 'escape') FROM outbox`,
  );
  const told = JSON.stringify([rows, lines, await side.list(), await listRouters(world.bus)], (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  assert.ok(lines.length > 0 && rows.length > 2);
  assert.ok(!told.includes(edge.key) && !told.includes(world.router.key));
});

test('the same router added again is the same answer; another of that name is a conflict', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  const settings = settingsOf(edge);
  const [one, two] = await Promise.all([side.add({ name: 'edge', settings }), side.add({ name: 'edge', settings })]);
  assert.equal(one.version, two.version);
  for (const other of [
    { ...settings, key: 'another' },
    { ...settings, port: 1 },
    { ...settings, wanInterface: 'eth9' },
  ]) {
    await assert.rejects(side.add({ name: 'edge', settings: other }), withCode('ROUTER_NAME_TAKEN'));
  }
  await assert.rejects(side.add({ name: 'default', settings }), withCode('ROUTER_NAME_TAKEN'));
  await assert.rejects(
    side.add({ name: 'a b', settings: { ...settings, host: 'http://x' } }),
    withCode('INVALID_REQUEST'),
  );
});

test('the same Idempotency-Key does nothing twice and gives the first answer, also after the router was removed', async (t) => {
  const world = await driverWorld(t, { times: { leaseTtlMs: 1_000, leaseMarginMs: 200 } });
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const { method } = RouterAdminService;
  const timeoutMs = 10_000;
  const contextOf = (scope: string, fingerprint = 1) => ({
    operationId: randomUUID(),
    principal: admin,
    idempotency: { scope, key: 'k', fingerprint: new Uint8Array([fingerprint]) },
  });
  const add = (fingerprint = 1, disabled = true) => {
    const message = { name: 'edge', settings: settingsOf(edge), disabled, context: contextOf('add', fingerprint) };
    return request(world.bus, method.addRouter, message, { timeoutMs });
  };
  const rename = () => {
    const message = { router: 'edge', wanInterface: 'eth0', context: contextOf('update') };
    return request(world.bus, method.updateRouter, message, { timeoutMs });
  };
  const remove = () =>
    request(world.bus, method.removeRouter, { router: 'edge', context: contextOf('remove') }, { timeoutMs });
  const both = await Promise.all([add(), add()]);
  assert.deepEqual(both.map(({ replayed }) => replayed).sort(), [false, true]);
  await assert.rejects(add(2), withCode('IDEMPOTENCY_KEY_REUSED'));
  const side = routerSide(world);
  const changed = await rename();
  await side.update({ router: 'edge', wanInterface: 'eth1' });
  assert.deepEqual(await rename(), { ...changed, replayed: true });
  assert.equal((await side.get('edge')).settings?.wanInterface, 'eth1', 'the repeat undid nothing');
  assert.deepEqual([(await remove()).replayed, (await remove()).replayed], [false, true]);
  assert.equal((await add()).replayed, true);
  await assert.rejects(side.get('edge'), withCode('ROUTER_UNKNOWN'));
  const kept = await world.query<{ text: string }>(`SELECT encode(answer, 'escape') AS text FROM answered_keys`);
  assert.ok(kept.length === 3 && !JSON.stringify(kept).includes(edge.key));
});

test('names that differ in case alone are one name, also when both come at once', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  const settings = settingsOf(edge);
  const added = await Promise.allSettled(['edge', 'Edge'].map((name) => side.add({ name, settings, disabled: true })));
  const refused = added.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  assert.equal(refused.length, 1);
  assert.ok(withCode('ROUTER_NAME_TAKEN')(refused[0]));
  await assert.rejects(side.add({ name: 'DEFAULT', settings, disabled: true }), withCode('ROUTER_NAME_TAKEN'));
});

test('without a master key no router can be added, and the one of the settings works', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const edge = await anotherRouter(t);
  await assert.rejects(
    routerSide(world).add({ name: 'edge', settings: settingsOf(edge) }),
    withCode('ENCRYPTION_KEY_MISSING'),
  );
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
});

test('routers are read and changed only by those who may, and who belong to no group', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const reader = routerSide(world, { ...admin, permissions: ['routers:read'] });
  assert.equal((await reader.list()).length, 1);
  const settings = settingsOf(edge);
  const refused = withCode('PERMISSION_DENIED');
  await assert.rejects(reader.add({ name: 'edge', settings }), refused);
  await assert.rejects(reader.update({ router: 'default', enabled: false }), refused);
  await assert.rejects(reader.remove('default'), refused);
  await assert.rejects(reader.test({ settings }), refused);
  await assert.rejects(routerSide(world, { ...admin, group: 'team' }).list(), refused);
  await assert.rejects(routerSide(world, { ...admin, permissions: ['vms:read'] }).get('default'), refused);
  const { listRouters: list, listForeignHoldings: holdings } = RouterService.method;
  for (const principal of [
    { ...admin, group: 'team' },
    { ...admin, permissions: ['vms:read'] },
  ]) {
    await assert.rejects(request(world.bus, list, { principal }, { timeoutMs: 20_000 }), refused);
    await assert.rejects(
      request(world.bus, holdings, { principal, router: 'default' }, { timeoutMs: 20_000 }),
      refused,
    );
  }
  await request(world.bus, list, { principal: admin }, { timeoutMs: 20_000 });
});

test('changed settings end the session and begin another: changes go where the router is now', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const [first, second] = [await anotherRouter(t), await anotherRouter(t)];
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(first) });
  const before = await side.inState('edge', RouterState.OK);
  await assert.rejects(
    side.update({ router: 'edge', wanInterface: 'eth9' }, before.version + 1n),
    withCode('VERSION_MISMATCH'),
  );
  const changed = await side.update({ router: 'edge', ...settingsOf(second) }, before.version);
  assert.equal(changed.version, before.version + 1n);
  assert.notEqual(changed.keyFingerprint, before.keyFingerprint);
  await world.send(changeFor(1, { router: 'edge' }));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.notEqual(mappingOf(second, 1), undefined);
  assert.equal(first.counters().commits, 0);
  const now = await side.get('edge');
  assert.ok(now.leaseEpoch > before.leaseEpoch);
  assert.equal(now.appliedVms, 1);
});

test('a stored key goes to no other device: whoever changes where the router is, or what proves it, gives the key', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const [edge, thief] = [await anotherRouter(t), await anotherRouter(t)];
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  const before = await side.inState('edge', RouterState.OK);
  const { port, fingerprint } = settingsOf(thief);
  for (const change of [{ port }, { host: 'localhost' }, { fingerprint }, { fingerprint: '' }, { port, fingerprint }]) {
    await assert.rejects(
      side.update({ router: 'edge', ...change }),
      (error: unknown) => error instanceof DomainError && JSON.stringify(error.details).includes('"field":"key"'),
      JSON.stringify(change),
    );
  }
  assert.equal((await side.get('edge')).version, before.version);
  assert.equal(thief.counters().requests, 0);
  await side.update({ router: 'edge', port, fingerprint, key: thief.key });
  await side.update({ router: 'edge', wanInterface: 'eth0' });
});

test('a key that the router does not take, and a router that is not there: the reason says what happened and what to do', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const [edge, gone] = [await anotherRouter(t), await anotherRouter(t)];
  await gone.stop();
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: { ...settingsOf(edge), key: 'wrong' } });
  await side.add({ name: 'gone', settings: settingsOf(gone) });
  const { status } = await side.inState('edge', RouterState.UNREACHABLE);
  assert.match(status?.reason ?? '', /give the right one \(PATCH with key/);
  const refused = await side.inState('gone', RouterState.BREAKER_OPEN);
  assert.match(refused.status?.reason ?? '', /ECONNREFUSED/);
});

test('a wrong pin keeps the router unreachable, with the fingerprint that was seen', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: { ...settingsOf(edge), fingerprint: '0'.repeat(64) } });
  const seen = await eventually(async () => {
    const { status } = await side.get('edge');
    return status?.reason.includes(edge.fingerprint) && status.reason.includes('give fingerprint and key') && status;
  });
  assert.ok([RouterState.UNREACHABLE, RouterState.BREAKER_OPEN].includes(seen.state));
  assert.equal(edge.counters().requests, 0);
  await side.update({ router: 'edge', fingerprint: edge.fingerprint, key: edge.key });
  await side.inState('edge', RouterState.OK);
});

test('a router that is switched off is sent nothing, its changes wait, and are applied when it is on again', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  await side.inState('edge', RouterState.OK);
  const off = await side.update({ router: 'edge', enabled: false });
  assert.equal(off.status?.state, RouterState.DISABLED);
  assert.match(off.status?.reason ?? '', /switched off: changes wait until it is enabled again/);
  await world.send(changeFor(1, { router: 'edge' }));
  await eventually(async () => (await side.get('edge')).waitingChanges === 1);
  assert.equal(world.statuses.findLast(({ router }) => router === 'edge')?.state, RouterState.DISABLED);
  assert.equal(edge.counters().commits, 0);
  await assert.rejects(side.remove('edge'), withCode('ROUTER_IN_USE'));
  await side.update({ router: 'edge', enabled: true });
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
});

test('a router is removed when nothing of ours is on it; later changes are rejected; its name can be used again', async (t) => {
  const world = await driverWorld(t, { times: { leaseTtlMs: 1_000, leaseMarginMs: 200 } });
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  const before = await side.inState('edge', RouterState.OK);
  await world.send(changeFor(1, { router: 'edge' }));
  await world.verdicts('vm-1');
  await assert.rejects(side.remove('edge'), withCode('ROUTER_IN_USE'));
  await world.send(changeFor(1, { router: 'edge', number: 2n, desired: undefined }));
  await eventually(() => world.settled.length === 2);
  await side.remove('edge');
  await assert.rejects(side.get('edge'), withCode('ROUTER_UNKNOWN'));
  await assert.rejects(side.remove('edge'), withCode('ROUTER_UNKNOWN'));
  const told = await eventually(() => world.statuses.findLast(({ state }) => state === RouterState.REMOVED));
  assert.ok(told.epoch > before.leaseEpoch);
  assert.deepEqual(await world.query(`SELECT sealed_key, ca_pem FROM routers WHERE name = 'edge'`), [
    { sealed_key: null, ca_pem: '' },
  ]);
  await world.send(changeFor(2, { router: 'edge' }));
  const [rejected] = await world.verdicts('vm-2');
  assert.equal(rejected?.code, 'ROUTER_UNKNOWN');
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  const again = await side.inState('edge', RouterState.OK);
  assert.ok(again.version > before.version && (again.status?.epoch ?? 0n) > told.epoch);
  await world.send(changeFor(3, { router: 'edge' }));
  const [settled] = await world.verdicts('vm-3');
  assert.ok(settled && isApplied(settled));
  await world.send(changeFor(1, { router: 'edge' }));
  await eventually(() => world.settled.filter(({ resourceId }) => resourceId === 'vm-1').length === 3);
});

test('the router of the settings is changed there: it can be switched off, and that outlives a restart', async (t) => {
  const world = await driverWorld(t);
  const driver = await world.start({ encryptionKeys: [masterKey()] });
  const side = routerSide(world);
  await assert.rejects(side.remove('default'), withCode('ROUTER_FROM_SETTINGS'));
  await assert.rejects(side.update({ router: 'default', port: 1 }), withCode('ROUTER_FROM_SETTINGS'));
  await side.update({ router: 'default', enabled: false });
  await driver.stop();
  await world.start({ wishes: { wanInterface: 'eth0' } });
  const now = await side.get('default');
  assert.deepEqual(
    [now.enabled, now.fromSettings, now.settings?.wanInterface, now.status?.state],
    [false, true, 'eth0', RouterState.DISABLED],
  );
  await side.update({ router: 'default', enabled: true });
  await side.inState('default', RouterState.OK);
});

test('a test of a router tells all that Berth needs of it, while its worker keeps still', async (t) => {
  const world = await driverWorld(t, { times: { probeEveryMs: 20 } });
  await Promise.all([world.start({ encryptionKeys: [masterKey()] }), world.start()]);
  const side = routerSide(world);
  const { checks, certificate, version, profile } = await side.test({ router: 'default' });
  const results = Object.fromEntries(checks.map(({ name, result }) => [name, result]));
  assert.deepEqual(results, {
    connection: CheckResult.OK,
    certificate: CheckResult.OK,
    key: CheckResult.OK,
    version: CheckResult.OK,
    rights: CheckResult.OK,
    wan_interface: CheckResult.OK,
    external_ip: CheckResult.OK,
    dhcp_subnet: CheckResult.OK,
    dynamic_ranges: CheckResult.OK,
    commit_confirm: CheckResult.WARNING,
  });
  assert.equal(certificate?.fingerprint, world.router.fingerprint);
  assert.match(version, /1\.5/);
  assert.equal(profile?.dhcpNetwork, 'LAN');
  const counters = world.router.counters();
  assert.deepEqual([counters.max_in_flight, counters.commits], [1, 0]);
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
});

test('a test of settings says which of them is wrong, and what certificate was seen', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  const good = settingsOf(edge);
  const failedOf = async (settings: Partial<typeof good> & { wanInterface?: string }) => {
    const { checks, certificate } = await side.test({ settings: { ...good, ...settings } });
    const failed = checks.filter(({ result }) => result === CheckResult.FAILED);
    return {
      names: failed.map(({ name }) => name),
      messages: failed.map(({ message }) => message).join(),
      certificate,
    };
  };
  assert.deepEqual((await failedOf({})).names, []);
  assert.deepEqual((await failedOf({ key: 'wrong' })).names, ['key']);
  assert.deepEqual((await failedOf({ port: 1 })).names, ['connection']);
  const unknown = await failedOf({ fingerprint: '' });
  assert.deepEqual(unknown.names, ['certificate']);
  assert.ok(unknown.messages.includes(edge.fingerprint));
  assert.equal(unknown.certificate?.fingerprint, edge.fingerprint);
  const place = await failedOf({ wanInterface: 'eth9' });
  assert.deepEqual(place.names, ['wan_interface']);
  assert.match(place.messages, /no interface eth9/);
  assert.equal(edge.counters().commits, 0);
});

test('one device is registered under one name, at whatever address and however often it is tried', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const [edge, other] = [await anotherRouter(t), await anotherRouter(t)];
  const side = routerSide(world);
  const settings = settingsOf(edge);
  const known = (error: unknown) =>
    withCode('ROUTER_KNOWN_AS')(error) && /the router (edge|twin) already/.test(String(error));
  const tries = await Promise.allSettled(['edge', 'twin'].map((name) => side.add({ name, settings })));
  assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
  await assert.rejects(side.add({ name: 'third', settings: { ...settings, fingerprint: '' } }), known);
  await assert.rejects(side.add({ name: 'third', settings: { ...settings, host: 'localhost' } }), known);
  const { checks } = await side.test({ settings: { ...settings, host: 'localhost' } });
  const failed = checks.filter(({ result }) => result === CheckResult.FAILED);
  assert.match(failed.map(({ message }) => message).join(), /the router (edge|twin) already/);
  await side.add({ name: 'other', settings: settingsOf(other) });
  await assert.rejects(side.update({ router: 'other', port: settings.port, key: settings.key }), known);
  await side.update({ router: 'other', key: 'another' });
});
