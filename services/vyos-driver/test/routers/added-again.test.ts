import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  AdoptableService,
  type Commit,
  CommitKind,
  DriftPolicy,
  DriftService,
  HistoryService,
  PlanService,
  QueueService,
  RouterState,
} from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { driverWorld, type World } from '../support/driver-world.ts';
import { admin, anotherRouter, masterKey, routerSide, settingsOf, withCode } from '../support/router-side.ts';

const timeoutMs = 20_000;
const rule = (number: number) => [
  `set nat destination rule ${number} inbound-interface name eth0`,
  `set nat destination rule ${number} translation address 10.10.0.${number}`,
];

/** A world whose router `edge` was worked, compared and given policies, and removed then. */
async function removedEdge(t: TestContext): Promise<World> {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  await edge.person({ commands: [...rule(20), ...rule(21), ...rule(22)] });
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(edge) });
  await side.inState('edge', RouterState.OK);
  const policy = { path: [], policy: DriftPolicy.REPAIR };
  const rules = { principal: admin, router: 'edge', rules: [policy] };
  await request(world.bus, DriftService.method.setDriftPolicies, rules, { timeoutMs });
  const check = { principal: admin, router: 'edge', repair: false, waitMs: 15_000 };
  await request(world.bus, DriftService.method.checkDrift, check, { timeoutMs });
  await side.remove('edge');
  return world;
}

const commitsOf = async ({ bus }: World): Promise<Commit[]> => {
  const asked = { principal: admin, router: 'edge' };
  const { commits } = await request(bus, HistoryService.method.listCommits, asked, { timeoutMs });
  return commits.toReversed();
};

test('a name that is given to another device brings it neither drift nor rules of the former one, and its history a new beginning', async (t) => {
  const world = await removedEdge(t);
  const former = await commitsOf(world);
  assert.deepEqual(
    former.map(({ kind }) => kind),
    [CommitKind.BASELINE],
  );
  const other = await anotherRouter(t);
  await other.person({ commands: [...rule(21), ...rule(40)] });
  const side = routerSide(world);
  await side.add({ name: 'edge', settings: settingsOf(other) });
  await side.inState('edge', RouterState.OK);
  const asked = { principal: admin, router: 'edge' };
  const { rules } = await request(world.bus, DriftService.method.listDriftPolicies, asked, { timeoutMs });
  assert.deepEqual(rules, []);
  const adoptable = await eventually(async () => {
    const page = await request(world.bus, AdoptableService.method.listAdoptable, asked, { timeoutMs });
    return page.rules.length > 0 && page.rules.map((one) => one.rule?.number);
  });
  assert.deepEqual(adoptable, [21, 40, 5]);
  const { report } = await request(world.bus, DriftService.method.getDrift, asked, { timeoutMs });
  assert.equal(report?.number, 1n);
  const commits = await commitsOf(world);
  assert.deepEqual(
    commits.map(({ kind }) => kind),
    [CommitKind.BASELINE, CommitKind.BASELINE],
  );
  assert.equal(commits[0]?.id, former[0]?.id);
  assert.match(commits[1]?.message ?? '', /another device/);
  const path = ['nat', 'destination', 'rule', '21'];
  const { lines } = await request(world.bus, HistoryService.method.explainLines, { ...asked, path }, { timeoutMs });
  assert.deepEqual(
    lines.map(({ put }) => put?.commitId),
    [commits[1]?.id],
    'what stood on the former one at that path is not where this comes from',
  );
});

test('a removed router is known to nobody who asks about what is there', async (t) => {
  const { bus } = await removedEdge(t);
  const asked = { principal: admin, router: 'edge' };
  const unknown = withCode('ROUTER_UNKNOWN');
  const { method } = DriftService;
  await assert.rejects(request(bus, method.getDrift, asked, { timeoutMs }), unknown);
  await assert.rejects(request(bus, method.listDriftPolicies, asked, { timeoutMs }), unknown);
  await assert.rejects(request(bus, method.setDriftPolicies, asked, { timeoutMs }), unknown);
  await assert.rejects(request(bus, method.checkDrift, { ...asked, waitMs: 0 }, { timeoutMs }), unknown);
  const { reports } = await request(bus, method.listDriftReports, asked, { timeoutMs });
  assert.deepEqual(
    reports.map(({ router }) => router),
    ['default'],
  );
  await assert.rejects(request(bus, AdoptableService.method.listAdoptable, asked, { timeoutMs }), unknown);
  await assert.rejects(request(bus, QueueService.method.queryQueue, asked, { timeoutMs }), unknown);
  await assert.rejects(request(bus, PlanService.method.planChanges, asked, { timeoutMs }), unknown);
});
