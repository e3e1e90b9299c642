import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Fault, type ProfileName, type SimulatorOptions, startSimulator } from '@berth/vyos-simulator';
import { type CallOptions, RouterClient } from '../../src/adapters/vyos/router-client.ts';
import type { Fragment } from '../../src/domain/changes/fragment.ts';
import type { OwnedContent, ResourceChange } from '../../src/domain/changes/plan.ts';
import { planChanges, sameContent, unionContent } from '../../src/domain/changes/plan-changes.ts';
import type { ConfigTree } from '../../src/domain/config-tree.ts';
import { type Dialect, dialectFor } from '../../src/domain/dialects/dialect.ts';
import { dialect13 } from '../../src/domain/dialects/dialect-1-3.ts';
import { dialect14 } from '../../src/domain/dialects/dialect-1-4.ts';
import { dialect15, dialect15Confirming, dialect15Freezing } from '../../src/domain/dialects/dialect-1-5.ts';
import { detectPlace, foreignHoldings } from '../../src/domain/inventory/inventory.ts';
import { nextProbe, observe, type ProbeResult, settled, startBlame } from '../../src/domain/refusals/blame.ts';
import { resourcesNamed } from '../../src/domain/refusals/name-offender.ts';

const usual: CallOptions = { timeoutMs: 20_000, mayStillSend: () => true };
const nothing: OwnedContent = new Map();

const profiles: readonly (readonly [ProfileName, Dialect])[] = [
  ['1.3', dialect13],
  ['1.4', dialect14],
  ['1.5-2024', dialect15],
  ['1.5-2025', dialect15Freezing],
  ['1.5-2026', dialect15Confirming],
];

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

async function configOf(client: RouterClient): Promise<ConfigTree> {
  const { outcome } = await client.showConfig([], usual);
  assert.ok(outcome.kind === 'value');
  return outcome.data as ConfigTree;
}

/** Carries a batch out as the driver does: probe by probe, each planned from what is read, refused ones taken back. */
async function carryOut(client: RouterClient, dialect: Dialect, wanted: ReadonlyMap<string, OwnedContent>) {
  let blame = startBlame([...wanted.keys()]);
  let commits = 0;
  const keys = unionContent(...wanted.values());
  for (let probe = nextProbe(blame); probe !== undefined; probe = nextProbe(blame)) {
    const config = await configOf(client);
    const goals = new Set([...probe, ...settled(blame).applied]);
    const changes = [...wanted].map(([resourceId, content]) => ({
      resourceId,
      from: dialect.contentAt(config, content.keys()),
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

const batch = (dialect: Dialect, some: Readonly<Record<string, Fragment>>): ReadonlyMap<string, OwnedContent> =>
  new Map(Object.entries(some).map(([id, fragment]) => [id, dialect.contentOf(fragment)]));

const eight = () => Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`vm-${at}`, vm(at)]));

/** Whether a refusal of DHCP comes without a reason. */
const isSilent = (dialect: Dialect): boolean => dialect.silentComponents.has('service dhcp-server');

for (const [profile, dialect] of profiles) contract(profile, dialect);

function contract(profile: ProfileName, dialect: Dialect): void {
  test(`${profile}: what is planned for a router stands there afterwards, and can be taken back to the last line`, async (t) => {
    const { router, client } = await start(t, { profile });
    const before = router.config();
    const all = Array.from({ length: 7 }, (_, at) => dialect.contentOf(vm(at)));
    const changes = all.map((to, at): ResourceChange => ({ resourceId: `${at}`, from: nothing, to }));
    assert.deepEqual((await client.configure(planChanges(changes).operations, usual)).outcome, {
      kind: 'applied',
      warnings: '',
    });
    const wanted = unionContent(...all);
    assert.ok(sameContent(dialect.contentAt(await configOf(client), wanted.keys()), wanted));

    const turned = changes.map(({ resourceId, to }, at) => ({
      resourceId,
      from: to,
      to: dialect.contentOf(vm(at, { rules: vm((at + 1) % 7).rules })),
    }));
    assert.equal((await client.configure(planChanges(turned).operations, usual)).outcome.kind, 'applied');
    const moved = unionContent(...turned.map(({ to }) => to));
    assert.ok(sameContent(dialect.contentAt(await configOf(client), moved.keys()), moved));

    const back = turned.map(({ resourceId, to }) => ({ resourceId, from: to, to: nothing }));
    assert.equal((await client.configure(planChanges(back).operations, usual)).outcome.kind, 'applied');
    assert.deepEqual(router.config(), before);
  });

  test(`${profile}: a save makes the saved configuration the running one`, async (t) => {
    const { router, client } = await start(t, { profile });
    await client.configure(
      planChanges([{ resourceId: '1', from: nothing, to: dialect.contentOf(vm(1)) }]).operations,
      usual,
    );
    assert.notDeepEqual(router.config('saved'), router.config('running'));
    assert.deepEqual((await client.save(usual)).outcome, { kind: 'saved' });
    assert.deepEqual(router.config('saved'), router.config('running'));
  });

  test(`${profile}: the version is known, and its dialect`, async (t) => {
    const { client } = await start(t, { profile });
    const version = await client.version(usual);
    assert.ok(version !== undefined);
    assert.equal(dialectFor(version), dialect);
    assert.equal(await client.version({ ...usual, tellsInfo: dialect.tellsInfo }), version);
  });

  test(`${profile}: the profile and what others hold are read in one request`, async (t) => {
    const { router, client } = await start(t, { profile });
    const config = await configOf(client);
    assert.equal(router.counters().requests, 1);
    assert.equal(detectPlace(config, {}).wanInterface, 'eth0');
    assert.ok(
      foreignHoldings(config, new Set()).some(({ kind, value }) => kind === 'mapping_name' && value === 'printer'),
    );
  });

  test(`${profile}: a commit waits to be confirmed where the version knows that, and is plain elsewhere`, async (t) => {
    const { router, client } = await start(t, { profile });
    const { operations } = planChanges([{ resourceId: '1', from: nothing, to: dialect.contentOf(vm(1)) }]);
    const { outcome } = await client.configure(operations, { ...usual, confirmMinutes: 1 });
    assert.ok(outcome.kind === 'applied');
    // Nothing is set about it, so that the router would reboot.
    assert.equal(outcome.unconfirmed, dialect.confirms ? 'reboot' : undefined);
    assert.equal(router.counters().pending_confirm, dialect.confirms);
    const confirmed = (await client.confirm(usual)).outcome.kind;
    assert.equal(confirmed, dialect.confirms ? 'confirmed' : 'try_later');
    assert.equal(router.counters().pending_confirm, false);
    if (dialect.confirms) assert.equal((await client.confirm(usual)).outcome.kind, 'nothing_pending');
  });

  test(`${profile}: the lock of a person asks for patience, and then it goes`, async (t) => {
    const { router, client } = await start(t, { profile });
    await router.person({
      commands: ['set nat destination rule 5 description x'],
      holdLockMs: 300,
    });
    const { operations } = planChanges([{ resourceId: '1', from: nothing, to: dialect.contentOf(vm(1)) }]);
    assert.equal((await client.configure(operations, usual)).outcome.kind, 'try_later');
    let kind = 'try_later';
    while (kind === 'try_later') kind = (await client.configure(operations, usual)).outcome.kind;
    assert.equal(kind, 'applied');
  });

  test(`${profile}: wrong keys, gateway pages and dropped connections are told apart`, async (t) => {
    const { router, client } = await start(t, { profile });
    const { operations } = planChanges([{ resourceId: '1', from: nothing, to: dialect.contentOf(vm(1)) }]);
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

  test(`${profile}: the one whose mapping the router refuses is found by its name, the others land whole`, async (t) => {
    const { client } = await start(t, { profile });
    const outside = vm(9, {
      mapping: {
        network: 'LAN',
        subnet: '10.10.0.0/16',
        name: 'outside',
        macAddress: '52:54:00:00:00:99',
        ipAddress: '10.99.0.9',
      },
    });
    const wanted = batch(dialect, { ...eight(), outside });
    const outcome = await carryOut(client, dialect, wanted);
    assert.deepEqual([...outcome.rejected.keys()], ['outside']);
    assert.equal(outcome.applied.length, 8);
    if (isSilent(dialect)) assert.ok(outcome.commits <= 1 + 5, `${outcome.commits}`);
    else {
      assert.match(outcome.rejected.get('outside') ?? '', /not within/);
      assert.equal(outcome.commits, 2);
    }
    const landed = unionContent(...outcome.applied.map((id) => wanted.get(id) ?? nothing));
    assert.ok(sameContent(dialect.contentAt(await configOf(client), landed.keys()), landed));
  });

  test(`${profile}: the MAC address of a mapping made by hand is traced to the one who asked for it too`, async (t) => {
    const { client } = await start(t, { profile });
    const wanted = batch(dialect, {
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
    const outcome = await carryOut(client, dialect, wanted);
    assert.equal(outcome.blocked, undefined);
    // 1.3 does not look for it: Berth itself must (see clashes-with.ts).
    assert.deepEqual([...outcome.rejected.keys()], profile === '1.3' ? [] : ['twin']);
    assert.ok(outcome.commits <= (isSilent(dialect) ? 1 + 5 : 2), `${outcome.commits}`);
  });

  test(`${profile}: two whom the router refuses without a name are found by halving`, async (t) => {
    const text = '[[nat]] failed\nCommit failed\n';
    const { client } = await start(
      t,
      { profile },
      { kind: 'refuse_commit', match: 'nat destination rule 10002', text },
      { kind: 'refuse_commit', match: 'nat destination rule 10005', text },
    );
    const outcome = await carryOut(client, dialect, batch(dialect, eight()));
    assert.deepEqual([...outcome.rejected.keys()].sort(), ['vm-2', 'vm-5']);
    assert.equal(outcome.applied.length, 6);
    assert.ok(outcome.commits <= 1 + 2 * 4, `${outcome.commits}`);
  });

  test(`${profile}: a subnet that the router does not have is refused to whoever wants into it, or made by the router`, async (t) => {
    const { router, client } = await start(t, { profile });
    const lost = vm(9, {
      mapping: {
        network: 'LAN',
        subnet: '10.99.0.0/24',
        name: 'lost',
        macAddress: '52:54:00:00:00:99',
        ipAddress: '10.99.0.9',
      },
    });
    const outcome = await carryOut(client, dialect, batch(dialect, { ...eight(), lost }));
    // Up to 1.4 a subnet needs no id, so that Berth must not ask (see missing-subnet.ts).
    const refuses = dialect.version === '1.5';
    assert.deepEqual([...outcome.rejected.keys()], refuses ? ['lost'] : []);
    assert.equal(outcome.applied.length, refuses ? 8 : 9);
    assert.equal(JSON.stringify(router.config()).includes('10.99.0'), !refuses);
  });
}
