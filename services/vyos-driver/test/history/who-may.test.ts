import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  AdoptableService,
  DriftService,
  HistoryService,
  PlanService,
  QueueService,
  RouterAdminService,
  RouterFileService,
  RouterService,
  WithdrawalOutcome,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { request } from '@berth/messaging';
import { create, type DescMethodUnary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { changeFor } from '../support/changes.ts';
import { driverWorld, type World } from '../support/driver-world.ts';

const everything = ['*'];
const read = ['vms:read', 'operations:read', 'routers:read'];
/** May do everything with what is team-a's, read what is team-b's, and nothing elsewhere; in both orders. */
const callers = [
  { permissions: everything, group: 'team-a', grants: [{ group: 'team-b', permissions: read }] },
  { permissions: read, group: 'team-b', grants: [{ group: 'team-a', permissions: everything }] },
].map((rights) => ({ id: 'key-9', kind: 'api_key', name: 'caller', ...rights }));

const groups = ['team-a', 'team-b', 'team-c', ''];
const timeoutMs = 5_000;

async function settledWorld(t: Parameters<typeof driverWorld>[0]): Promise<World> {
  const world = await driverWorld(t);
  await world.start();
  await world.send(...groups.map((ownerGroup, at) => changeFor(at + 1, { ownerGroup })));
  await world.verdicts(...groups.map((_, at) => `vm-${at + 1}`));
  return world;
}

type Caller = (typeof callers)[number];
const refTo = (n: number) => ({ resourceId: `vm-${n}`, revision: { incarnation: 1n, number: 1n } });

/** What is asked of the n-th VM's lines; throws, or gives back whether something was told or done. */
const asks: Record<string, (world: World, principal: Caller, n: number) => Promise<boolean>> = {
  async ExplainLines({ bus }, principal, n) {
    const asked = { principal, router: 'default', ruleNumber: 10_000 + n * 10 };
    return (await request(bus, HistoryService.method.explainLines, asked, { timeoutMs })).lines.length > 0;
  },
  async QueryQueue({ bus }, principal, n) {
    const asked = { principal, router: 'default', changes: [refTo(n)] };
    return (await request(bus, QueueService.method.queryQueue, asked, { timeoutMs })).places.length > 0;
  },
  async WithdrawChanges({ bus }, principal, n) {
    const asked = { principal, router: 'default', changes: [refTo(n)] };
    const { withdrawals } = await request(bus, QueueService.method.withdrawChanges, asked, { timeoutMs });
    return withdrawals[0]?.outcome === WithdrawalOutcome.SETTLED;
  },
  async PlanChanges({ bus }, principal, n) {
    const asked = { principal, router: 'default', changes: [{ resourceId: `vm-${n}` }] };
    return (await request(bus, PlanService.method.planChanges, asked, { timeoutMs })).operations.length > 0;
  },
};

/** Of lines of: team-a, team-b, team-c, no group. */
const table = {
  ExplainLines: ['ok', 'ok', '404', '404'],
  QueryQueue: ['ok', 'ok', 'hidden', 'hidden'],
  WithdrawChanges: ['ok', 'hidden', 'hidden', 'hidden'],
  PlanChanges: ['ok', '403', '403', '403'],
};

async function outcomeOf(done: Promise<boolean>): Promise<string> {
  try {
    return (await done) ? 'ok' : 'hidden';
  } catch (error) {
    const kind = error instanceof DomainError ? error.kind : '';
    return { not_found: '404', forbidden: '403' }[kind as string] ?? String(error);
  }
}

test('lines and changes are those of the groups in which the permission is held, whichever of them is home', async (t) => {
  const world = await settledWorld(t);
  for (const caller of callers) {
    const got: Record<string, string[]> = {};
    for (const [name, ask] of Object.entries(asks))
      got[name] = await Promise.all(groups.map((_, at) => outcomeOf(ask(world, caller, at + 1))));
    assert.deepEqual(got, table);
  }
});

test('all else is of whole routers, and for nobody who has his permissions within groups alone', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const services = [RouterService, RouterAdminService, DriftService, HistoryService, RouterFileService];
  const methods = [...services, AdoptableService, PlanService, QueueService].flatMap(({ methods: own }) => [...own]);
  const ofRouters = methods.filter(({ name }) => !(name in asks));
  assert.ok(ofRouters.length >= 19);
  const [caller] = callers;
  const context = { operationId: randomUUID(), deadline: timestampFromMs(Date.now() + 20_000), principal: caller };
  for (const one of ofRouters as DescMethodUnary[]) {
    const has = (name: string) => one.input.fields.some(({ localName }) => localName === name);
    assert.ok(has('principal') !== has('context'), `${one.name} says who asks`);
    const message = create(one.input, {
      ...(has('principal') ? { principal: caller } : { context }),
      router: 'default',
    });
    await assert.rejects(request(world.bus, one, message, { timeoutMs }), { code: 'PERMISSION_DENIED' }, one.name);
  }
});
