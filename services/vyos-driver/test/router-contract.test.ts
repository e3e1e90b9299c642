import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Fault, type SimulatorOptions, startSimulator } from '@berth/vyos-simulator';
import { type CallOptions, RouterClient } from '../src/adapters/vyos/router-client.ts';
import { nextProbe, observe, type ProbeResult, settled, startBlame } from '../src/domain/blame.ts';
import type { ConfigTree } from '../src/domain/config-tree.ts';
import { dialectFor } from '../src/domain/dialect.ts';
import { dialect15 } from '../src/domain/dialect-1-5.ts';
import type { Fragment } from '../src/domain/fragment.ts';
import { detectPlace, foreignHoldings } from '../src/domain/inventory.ts';
import { resourcesNamed } from '../src/domain/name-offender.ts';
import type { OwnedContent, ResourceChange } from '../src/domain/plan.ts';
import { planChanges, sameContent, unionContent } from '../src/domain/plan-changes.ts';

const usual: CallOptions = { timeoutMs: 20_000, mayStillSend: () => true };
const nothing: OwnedContent = new Map();

async function start(t: TestContext, options: SimulatorOptions = {}, ...faults: Fault[]) {
  const router = await startSimulator(options);
  t.after(() => router.stop());
  for (const fault of faults) router.addFault(fault);
  const { hostname, port } = new URL(router.url);
  const address = { host: hostname, port: Number(port), key: router.key, fingerprint: router.fingerprint };
  const client = new RouterClient(address);
  t.after(() => client.close());
  return { router, client };
}

const vm = (at: number, some: Partial<Fragment> = {}): Fragment => ({
  mapping: {
    network: 'LAN',
    subnet: '10.10.0.0/16',
    name: `vm-${at}`,
    macAddress: `52:54:00:00:00:${(16 + at).toString(16)}`,
    ipAddress: `10.10.1.${at}`,
  },
  rules: [
    {
      number: 10_000 + at,
      inboundInterface: 'eth0',
      protocol: 'tcp',
      destinationAddress: '192.0.2.1',
      destinationPort: `${32_000 + at}`,
      translationAddress: `10.10.1.${at}`,
      translationPort: '22',
      sourceAddress: at % 2 === 0 ? '198.51.100.0/24' : '',
      description: `vm-${at} ssh; $HOME {x}  y`,
      disabled: at % 3 === 0,
    },
  ],
  ...some,
});

const contentOf = (fragment: Fragment) => dialect15.contentOf(fragment);

async function configOf(client: RouterClient): Promise<ConfigTree> {
  const { outcome } = await client.showConfig([], usual);
  assert.ok(outcome.kind === 'value');
  return outcome.data as ConfigTree;
}

test('what is planned for a router stands there afterwards, and can be taken back to the last line', async (t) => {
  const { router, client } = await start(t);
  const before = router.config();
  const all = Array.from({ length: 7 }, (_, at) => contentOf(vm(at)));
  const changes = all.map((to, at): ResourceChange => ({ resourceId: `${at}`, from: nothing, to }));
  assert.deepEqual((await client.configure(planChanges(changes).operations, usual)).outcome, {
    kind: 'applied',
    warnings: '',
  });
  const wanted = unionContent(...all);
  assert.ok(sameContent(dialect15.contentAt(await configOf(client), wanted.keys()), wanted));

  const turned = changes.map(({ resourceId, to }, at) => ({
    resourceId,
    from: to,
    to: contentOf(vm(at, { rules: vm((at + 1) % 7).rules })),
  }));
  assert.equal((await client.configure(planChanges(turned).operations, usual)).outcome.kind, 'applied');
  const moved = unionContent(...turned.map(({ to }) => to));
  assert.ok(sameContent(dialect15.contentAt(await configOf(client), moved.keys()), moved));

  const back = turned.map(({ resourceId, to }) => ({ resourceId, from: to, to: nothing }));
  assert.equal((await client.configure(planChanges(back).operations, usual)).outcome.kind, 'applied');
  assert.deepEqual(router.config(), before);
});

test('a save makes the saved configuration the running one', async (t) => {
  const { router, client } = await start(t);
  await client.configure(planChanges([{ resourceId: '1', from: nothing, to: contentOf(vm(1)) }]).operations, usual);
  assert.notDeepEqual(router.config('saved'), router.config('running'));
  assert.deepEqual((await client.save(usual)).outcome, { kind: 'saved' });
  assert.deepEqual(router.config('saved'), router.config('running'));
});

test('the version is known, and its dialect', async (t) => {
  const { client } = await start(t, { profile: '1.5-2024' });
  const version = await client.version(usual);
  assert.ok(version !== undefined);
  assert.equal(dialectFor(version), dialect15);
  assert.equal(dialectFor('1.5-rolling-202410210007'), dialect15);
  assert.equal(dialectFor('2025.11.02-0020-rolling'), dialect15);
  assert.equal(dialectFor('1.4.0'), undefined);
});

test('the profile and what others hold are read in one request', async (t) => {
  const { router, client } = await start(t);
  const config = await configOf(client);
  assert.equal(router.counters().requests, 1);
  assert.equal(detectPlace(config, {}).wanInterface, 'eth0');
  assert.ok(
    foreignHoldings(config, new Set()).some(({ kind, value }) => kind === 'mapping_name' && value === 'printer'),
  );
});

test('the lock of a person asks for patience, and then it goes', async (t) => {
  const { router, client } = await start(t);
  await router.person({
    commands: ['set nat destination rule 7 description x', 'set nat destination rule 7 translation address 10.10.0.7'],
    holdLockMs: 300,
  });
  const { operations } = planChanges([{ resourceId: '1', from: nothing, to: contentOf(vm(1)) }]);
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'try_later');
  let kind = 'try_later';
  while (kind === 'try_later') kind = (await client.configure(operations, usual)).outcome.kind;
  assert.equal(kind, 'applied');
});

test('wrong keys, gateway pages and dropped connections are told apart', async (t) => {
  const { router, client } = await start(t);
  const { operations } = planChanges([{ resourceId: '1', from: nothing, to: contentOf(vm(1)) }]);
  const { hostname, port } = new URL(router.url);
  const stranger = new RouterClient({
    host: hostname,
    port: Number(port),
    key: 'wrong',
    fingerprint: router.fingerprint,
  });
  t.after(() => stranger.close());
  assert.equal((await stranger.configure(operations, usual)).outcome.kind, 'forbidden');
  for (const kind of ['bad_gateway', 'drop_connection', 'success_false', 'gateway_timeout'] as const) {
    router.addFault({ kind, times: 1 });
    assert.equal((await client.configure(operations, usual)).outcome.kind, 'unclear', kind);
  }
  assert.equal((await client.configure(operations, usual)).outcome.kind, 'applied');
});

/** Carries a batch out as the driver does: probe by probe, each planned from what is read, refused ones taken back. */
async function carryOut(client: RouterClient, wanted: ReadonlyMap<string, OwnedContent>) {
  let blame = startBlame([...wanted.keys()]);
  let commits = 0;
  const keys = unionContent(...wanted.values());
  for (let probe = nextProbe(blame); probe !== undefined; probe = nextProbe(blame)) {
    const config = await configOf(client);
    const goals = new Set([...probe, ...settled(blame).applied]);
    const changes = [...wanted].map(([resourceId, content]) => ({
      resourceId,
      from: dialect15.contentAt(config, content.keys()),
      to: goals.has(resourceId) ? content : nothing,
    }));
    let { outcome } = await client.configure(planChanges(changes).operations, usual);
    while (outcome.kind === 'try_later') ({ outcome } = await client.configure(planChanges(changes).operations, usual));
    commits += 1;
    let result: ProbeResult = { kind: 'applied' };
    if (outcome.kind !== 'applied') {
      const contents = new Map(probe.map((id) => [id, wanted.get(id) ?? nothing]));
      const { resourceIds, namesStranger } = resourcesNamed(outcome, contents, {
        config,
        ownedKeys: new Set(keys.keys()),
      });
      assert.ok('text' in outcome);
      result = { kind: 'refused', text: outcome.text, named: resourceIds, namesStranger };
    }
    blame = observe(blame, probe, result);
  }
  return { ...settled(blame), commits };
}

const batch = (some: Readonly<Record<string, Fragment>>): ReadonlyMap<string, OwnedContent> =>
  new Map(Object.entries(some).map(([id, fragment]) => [id, contentOf(fragment)]));

const eight = () => Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`vm-${at}`, vm(at)]));

test('the one whose mapping the router refuses is found by its name, the others land whole', async (t) => {
  const { client } = await start(t);
  const outside = vm(9, {
    mapping: {
      network: 'LAN',
      subnet: '10.10.0.0/16',
      name: 'outside',
      macAddress: '52:54:00:00:00:99',
      ipAddress: '10.99.0.9',
    },
  });
  const wanted = batch({ ...eight(), outside });
  const outcome = await carryOut(client, wanted);
  assert.deepEqual([...outcome.rejected.keys()], ['outside']);
  assert.match(outcome.rejected.get('outside') ?? '', /not within/);
  assert.equal(outcome.applied.length, 8);
  assert.equal(outcome.commits, 2);
  const stands = dialect15.contentAt(await configOf(client), unionContent(...wanted.values()).keys());
  assert.equal(stands.size, 16);
});

test('the MAC address of a mapping made by hand is traced to the one who asked for it too', async (t) => {
  const { client } = await start(t);
  const wanted = batch({
    ...eight(),
    // "a…" sorts before "printer", so that the router names the printer.
    twin: {
      mapping: {
        network: 'LAN',
        subnet: '10.10.0.0/16',
        name: 'a-twin',
        macAddress: '52:54:00:ff:00:09',
        ipAddress: '10.10.1.99',
      },
      rules: [],
    },
  });
  const outcome = await carryOut(client, wanted);
  assert.deepEqual([...outcome.rejected.keys()], ['twin']);
  assert.equal(outcome.blocked, undefined);
  assert.equal(outcome.commits, 2);
});

test('two whom the router refuses without a name are found by halving', async (t) => {
  const text = '[[nat]] failed\nCommit failed\n';
  const { client } = await start(
    t,
    {},
    { kind: 'refuse_commit', match: 'nat destination rule 10002', text },
    { kind: 'refuse_commit', match: 'nat destination rule 10005', text },
  );
  const outcome = await carryOut(client, batch(eight()));
  assert.deepEqual([...outcome.rejected.keys()].sort(), ['vm-2', 'vm-5']);
  assert.equal(outcome.applied.length, 6);
  assert.ok(outcome.commits <= 1 + 2 * 4, `${outcome.commits}`);
});

test('a subnet that the router does not have is refused to whoever wants into it', async (t) => {
  const { router, client } = await start(t);
  const lost = vm(9, {
    mapping: {
      network: 'LAN',
      subnet: '10.99.0.0/24',
      name: 'lost',
      macAddress: '52:54:00:00:00:99',
      ipAddress: '10.99.0.9',
    },
  });
  const outcome = await carryOut(client, batch({ ...eight(), lost }));
  assert.deepEqual([...outcome.rejected.keys()], ['lost']);
  assert.equal(outcome.applied.length, 8);
  assert.ok(!JSON.stringify(router.config()).includes('10.99.0'));
});
