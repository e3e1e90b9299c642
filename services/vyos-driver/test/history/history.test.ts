import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CauseSchema,
  CommitKind,
  CommitPart,
  CommitState,
  DriftService,
  type RouterCommitted,
  RouterCommittedSchema,
  Verdict,
} from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { create, fromJson } from '@bufbuild/protobuf';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { principal } from '../support/drift-world.ts';
import { driverWorld, mappingOf, ruleOf, vmIds } from '../support/driver-world.ts';
import { historyOf, linesOfConfig, listenJson, reader } from '../support/history-world.ts';

const ours = [CommitKind.CHANGE, CommitKind.REPAIR, CommitKind.WAY_BACK] as const;

test('the history begins with all that the first look saw, and every commit is an entry with what it did', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const history = historyOf(world.bus);
  const [baseline, ...none] = (await history.commits()).commits;
  assert.equal(baseline?.kind, CommitKind.BASELINE);
  assert.equal(none.length, 0);
  assert.deepEqual((await history.config()).sort(), linesOfConfig(world.router.config()));
  const before = linesOfConfig(world.router.config());

  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const [commit] = await history.ofKinds(CommitKind.CHANGE);
  assert.equal(commit?.state, CommitState.APPLIED);
  assert.deepEqual(commit?.principals, ['ann']);
  const number = commit?.number ?? 0n;
  const after = linesOfConfig(world.router.config());
  assert.deepEqual((await history.config()).sort(), after);
  assert.deepEqual((await history.configAt(number)).sort(), after);
  assert.deepEqual((await history.configAt(baseline?.number ?? 0n)).sort(), before);
  const made = after.filter((line) => !before.includes(line));
  assert.deepEqual((await history.part(number, CommitPart.CHANGES)).sort(), made);
  assert.deepEqual((await history.part(number, CommitPart.SENT)).sort(), made);
  assert.deepEqual((await history.diff(baseline?.number ?? 0n, number)).sort(), made);
  assert.deepEqual(
    (await history.resources(number)).map(({ resourceId, causes }) => [resourceId, causes[0]?.requestId]),
    [['vm-1', 'request-1']],
  );
  const inverse = await history.part(number, CommitPart.INVERSE);
  assert.ok(inverse.every((line) => line.startsWith('delete ')));
});

test('a commit that landed in part is recorded as what stood, and its way back names it', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const history = historyOf(world.bus);
  const outside = fragmentFor(1);
  await world.send(changeFor(1, { desired: { ...outside, mapping: { ...outside.mapping, ipAddress: '10.99.0.1' } } }));
  const [settled] = await world.verdicts('vm-1');
  assert.equal(settled?.verdict, Verdict.REJECTED);
  const [partial, wayBack] = await history.ofKinds(...ours);
  assert.equal(partial?.state, CommitState.PARTIAL);
  assert.match(partial?.message ?? '', /is not within/);
  const stood = await history.part(partial?.number ?? 0n, CommitPart.CHANGES);
  assert.ok(
    stood.length > 0 && stood.every((line) => line.startsWith('set nat destination rule 10010')),
    stood.join('\n'),
  );
  assert.equal(wayBack?.kind, CommitKind.WAY_BACK);
  assert.equal(wayBack?.state, CommitState.APPLIED);
  const [resource] = await history.resources(wayBack?.number ?? 0n);
  assert.equal(resource?.becauseOf, partial?.number);
  assert.equal(resource?.causes[0]?.requestId, 'request-1');
  assert.deepEqual((await history.config()).sort(), linesOfConfig(world.router.config()));
  assert.deepEqual(await history.fragments(partial?.id ?? ''), []);
});

test('a person’s edits are entries of their own, others’ and ours apart, and a repair names the drift', async (t) => {
  const world = await driverWorld(t, { times: { driftEveryMs: 200, probeEveryMs: 50 } });
  await world.start();
  const history = historyOf(world.bus);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await world.router.person({
    commands: [
      { op: 'set', path: ['nat', 'destination', 'rule', '77', 'description', 'by hand'] },
      { op: 'set', path: ['nat', 'destination', 'rule', '77', 'inbound-interface', 'name', 'eth0'] },
      { op: 'set', path: ['nat', 'destination', 'rule', '77', 'translation', 'address', '10.10.0.77'] },
      { op: 'delete', path: ['nat', 'destination', 'rule', '10010'] },
    ],
    save: true,
  });
  const [foreign] = await eventually(async () => {
    const found = await history.ofKinds(CommitKind.FOREIGN);
    return found.length > 0 ? found : undefined;
  });
  assert.ok((await history.part(foreign?.number ?? 0n, CommitPart.CHANGES)).every((line) => line.includes('rule 77')));
  const [drift] = await history.ofKinds(CommitKind.DRIFT);
  assert.deepEqual(await history.part(drift?.number ?? 0n, CommitPart.CHANGES), ['delete nat destination rule 10010']);
  assert.deepEqual((await history.config()).sort(), linesOfConfig(world.router.config()));
  const missing = (await history.explain({ ruleNumber: 10_010 })).lines[0];
  assert.equal(missing?.asExpected, false);
  assert.equal(missing?.standing.length, 0);
  assert.ok((missing?.expected.length ?? 0) > 5);
  assert.equal(missing?.put?.causes[0]?.requestId, 'request-1');

  const asked = { principal: principal(), router: 'default', repair: true, waitMs: 20_000 };
  await request(world.bus, DriftService.method.checkDrift, asked, { timeoutMs: 30_000 });
  assert.ok(ruleOf(world.router, 1) !== undefined);
  const [repair] = await eventually(async () => {
    const found = await history.ofKinds(CommitKind.REPAIR);
    return found.length > 0 ? found : undefined;
  });
  assert.equal((await history.resources(repair?.number ?? 0n))[0]?.becauseOf, drift?.number);
  const mended = (await history.explain({ ruleNumber: 10_010 })).lines[0];
  assert.equal(mended?.asExpected, true);
  assert.equal(mended?.put?.causes[0]?.requestId, 'request-1');
  assert.equal(mended?.changed?.kind, CommitKind.REPAIR);
  assert.deepEqual((await history.config()).sort(), linesOfConfig(world.router.config()));
});

test('what resources were is known for each commit: applied, changed, removed, and not what was refused', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const history = historyOf(world.bus);
  const step = async (change: Parameters<typeof changeFor>[1]) => {
    const before = world.settled.length;
    await world.send(changeFor(1, change));
    await eventually(() => world.settled.length > before);
    return (await history.commits()).commits[0]?.id ?? '';
  };
  const merged = ['one', 'two'].map((requestId) => create(CauseSchema, { requestId, principalName: 'ann' }));
  const first = await step({ causes: merged });
  const [made] = await history.resources((await history.commits()).commits[0]?.number ?? 0n);
  assert.deepEqual(
    made?.causes.map(({ requestId }) => requestId),
    ['one', 'two'],
  );
  const second = await step({ number: 2n, desired: fragmentFor(1, { rules: 3 }) });
  const wrong = fragmentFor(1);
  const refused = await step({
    number: 3n,
    desired: { ...wrong, mapping: { ...wrong.mapping, ipAddress: '10.99.0.1' } },
  });
  const third = await step({ number: 4n, desired: undefined });
  const rules = async (id: string) => (await history.fragments(id)).map(({ fragment }) => fragment?.rules.length);
  assert.deepEqual(await Promise.all([first, second, refused, third].map(rules)), [[1], [3], [3], []]);
  assert.equal((await history.fragments(first))[0]?.ownerGroup, 'group-1');
  assert.equal(mappingOf(world.router, 1), undefined);
  assert.deepEqual((await history.config()).sort(), linesOfConfig(world.router.config()));
});

test('a commit whose answer was lost is settled with what was read', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const history = historyOf(world.bus);
  world.router.addFault({ kind: 'drop_connection', times: 1 });
  await world.send(...vmIds(1, 5).map((_, at) => changeFor(at + 1)));
  await world.verdicts(...vmIds(1, 5));
  const states = (await history.ofKinds(...ours)).map(({ state }) => state);
  assert.ok(states.includes(CommitState.SETTLED), states.join());
  assert.deepEqual((await history.config()).sort(), linesOfConfig(world.router.config()));
});

test('who is of a group is told of its own lines alone', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const history = historyOf(world.bus);
  await world.send(changeFor(1), changeFor(2, { ownerGroup: 'group-2' }));
  await world.verdicts('vm-1', 'vm-2');
  const ofGroup = { ...reader, group: 'group-2' };
  const own = await history.explain({ ruleNumber: 10_020 }, ofGroup);
  assert.deepEqual(
    own.lines.map(({ resourceId }) => resourceId),
    ['vm-2'],
  );
  const below = await history.explain({ path: ['nat', 'destination'] }, ofGroup);
  assert.deepEqual(
    below.lines.map(({ resourceId }) => resourceId),
    ['vm-2'],
  );
  for (const question of [{ ruleNumber: 10_010 }, { ruleNumber: 5 }, { ruleNumber: 999 }])
    await assert.rejects(history.explain(question, ofGroup), { code: 'LINE_UNKNOWN' });
  await assert.rejects(history.commits({ principal: ofGroup }), { code: 'PERMISSION_DENIED' });
  await assert.rejects(history.commits({ principal: { ...reader, permissions: [] } }), { code: 'PERMISSION_DENIED' });
  await assert.rejects(history.explain({ ruleNumber: 1 }, { ...reader, permissions: [] }), {
    code: 'PERMISSION_DENIED',
  });
});

test('lines are found by every value that they have', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const history = historyOf(world.bus);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const found = async (question: Parameters<typeof history.explain>[0]) =>
    (await history.explain(question)).lines.map(({ path }) => path.at(-1));
  assert.deepEqual(await found({ path: ['nat', 'destination', 'rule', '10010', 'translation', 'port'] }), ['10010']);
  assert.deepEqual((await found({ path: ['nat', 'destination', 'rule'] })).sort(), ['10010', '5']);
  assert.deepEqual(await found({ port: 20_010 }), ['10010']);
  assert.deepEqual(await found({ port: 20_010, protocol: 'tcp', externalIp: '192.0.2.1' }), ['10010']);
  assert.deepEqual(await found({ port: 20_010, protocol: 'udp' }), []);
  assert.deepEqual(await found({ port: 20_010, externalIp: '192.0.2.9' }), []);
  assert.deepEqual(await found({ port: 2_222, externalIp: '192.0.2.9' }), ['5']); // matches on any address
  assert.deepEqual((await found({ address: '10.10.1.2' })).sort(), ['10010', 'vm-1']);
  assert.deepEqual(await found({ mappingName: 'VM-1' }), ['vm-1']);
  assert.deepEqual(await found({ macAddress: '52:54:00:FF:00:09' }), ['printer']);
});

test('every ended commit of ours is told once, as a public event', async (t) => {
  const world = await driverWorld(t);
  const told: RouterCommitted[] = [];
  t.after(
    listenJson(world.bus, 'events.router.committed.default', (body) =>
      told.push(fromJson(RouterCommittedSchema, body)),
    ),
  );
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await eventually(() => told.length === 1);
  assert.equal(told[0]?.commit?.state, CommitState.APPLIED);
  assert.deepEqual(told[0]?.resourceIds, ['vm-1']);
});
