import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  AdoptionService,
  AuthService,
  BackupService,
  BulkMode,
  CommandContextSchema,
  PoolService,
  RouterUseService,
  VmPlanService,
  VmService,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { request, serve } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { create, type DescMethodUnary, type MessageInitShape } from '@bufbuild/protobuf';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { BulkSide, provisionItem } from '../support/bulk-world.ts';
import { failureOf, TestClient } from '../support/grpc-side.ts';
import { aPrincipal, makeWorld } from '../support/world.ts';
import { type AskPools, ThingsOfGroups, tableOf } from './who-may-side.ts';

const readAndWrite = ['vms:*', 'pools:*', 'operations:read'];
const read = ['vms:read', 'pools:read', 'operations:read'];

/** Reads and writes what is team-a's, reads what is team-b's, and may do nothing elsewhere. */
const atHomeInA = { permissions: readAndWrite, group: 'team-a', grants: [{ group: 'team-b', permissions: read }] };
/** May do the same, and is at home where it may not write. */
const atHomeInB = { permissions: read, group: 'team-b', grants: [{ group: 'team-a', permissions: readAndWrite }] };

/** What is asked, and what comes of it for things of: team-a, team-b, team-c, no group. */
const vmTable = `
GetVm                         ok      ok      404     404
ListVms                       ok      ok      hidden  hidden
ListVms of the group          ok      ok      hidden  hidden
GetOperation                  ok      ok      404     404
ListOperations                ok      ok      hidden  hidden
CancelOperation               ok      403     404     404
ChangePorts                   ok      403     404     404
ChangeForwards                ok      403     404     404
UpdateVm                      ok      403     404     404
UpdateVm, to team-a           ok      403     404     404
UpdateVm, to team-b           403     403     403     403
UpdateVm, to nobody           403     403     403     403
ProvisionVm                   ok      403     403     HOME
StageBulk and its items       ok      hidden  hidden  BULK
GetBulk                       ok      ok      404     404
ListBulkItems                 ok      ok      404     404
CreatePlan, of a provision    ok      403     403     HOME
CreatePlan, of a removal      ok      403     404     404
GetPlan                       ok      ok      404     404
ListPlans                     ok      ok      hidden  hidden
ApplyPlan                     ok      403     404     404
DiscardPlan                   ok      403     404     404
`;
const removalTable = 'DecommissionVm                ok      403     404     404';

/** Of pools for: team-a, team-b, team-c, all. */
const poolTable = `
GetPool                       ok      ok      404     ok
ListPools                     ok      ok      hidden  ok
ListAllocations               ok      ok      404     ok
ExplainValue, naming the pool ok      ok      hidden  ok
CreatePool                    ok      403     403     403
UpdatePool                    ok      403     404     403
DrainPool                     ok      403     404     403
UndrainPool                   ok      403     404     403
Reserve                       ok      403     404     403
Release                       ok      403     404     403
DeletePool                    ok      403     404     403
`;

for (const [where, rights, home, bulk] of [
  ['that it may write', atHomeInA, 'ok', 'ok'],
  ['that it may only read', atHomeInB, '403', 'hidden'],
] as const) {
  test(`who may write in one group and read in another does just that, with a home ${where}`, async (t) => {
    const things = new ThingsOfGroups(await makeWorld(t));
    await things.make();
    const principal = aPrincipal({ id: 'caller', ...rights });
    // What names no group is made in the home group.
    const expected = vmTable.replaceAll('HOME', home).replaceAll('BULK', bulk);
    assert.equal(await tableOf(things.vms(principal)), expected.trim());
    const askPools: AskPools = (method, message) => {
      const context = create(CommandContextSchema, things.world.context({ principal }));
      return request(things.world.bus, method, message, { timeoutMs: 20_000, context });
    };
    assert.equal(await tableOf(things.poolsOf(askPools)), poolTable.trim());
    assert.equal(await tableOf({ DecommissionVm: things.removal(principal) }), removalTable);
  });
}

test('the same holds for pools over gRPC', async (t) => {
  const world = await makeWorld(t, { replicas: 0, routerKnown: false });
  serve(world.bus, AuthService.method.verifyApiKey, async ({ apiKey }) => ({
    principal: aPrincipal({ id: apiKey, ...atHomeInA }),
  }));
  const { addresses } = await world.startReplica();
  await world.driver.report({});
  await world.routerReady();
  const things = new ThingsOfGroups(world);
  await things.make();
  const client = new TestClient(t, addresses['grpc'] ?? '', credentials.createInsecure());
  const kinds = { NOT_FOUND: 'not_found', PERMISSION_DENIED: 'forbidden' } as const;
  const askPools: AskPools = async (method, message) => {
    try {
      return await client.call(method, message, { apiKey: 'a-key' });
    } catch (error) {
      const { code, message: text } = failureOf(error as ServiceError);
      throw new DomainError(kinds[code as keyof typeof kinds] ?? 'bug', code, text);
    }
  };
  assert.equal(await tableOf(things.poolsOf(askPools)), poolTable.trim());
});

/** What is not in the tables: what starts what was staged, and what everybody reads. */
const elsewhere = ['StartBulk', 'WatchPools', 'GetForwardTemplate'];

test('what is of whole routers, or for all, takes the permission everywhere; and every method is in one of these tables', async (t) => {
  const world = await makeWorld(t);
  const { vms, plans, pools, backups, adoptions, use } = {
    ...{ vms: VmService, plans: VmPlanService, pools: PoolService },
    ...{ backups: BackupService, adoptions: AdoptionService, use: RouterUseService },
  };
  const ofRouters: DescMethodUnary[] = [
    ...[vms.method.setForwardTemplate, plans.method.planRollback, backups.method.listBackup],
    ...[backups.method.planRestore, adoptions.method.previewAdoption, adoptions.method.adoptObjects],
    use.method.getRouterUse,
  ];
  const principal = aPrincipal({
    id: 'ruler',
    group: 'team-a',
    permissions: ['*'],
    grants: [{ group: 'b', permissions: ['*'] }],
  });
  for (const one of ofRouters) {
    const has = (name: string) => one.input.fields.some(({ localName }) => localName === name);
    const asking = has('context') ? { context: world.context({ principal }) } : { principal };
    const message = create(one.input, { ...asking, ...(has('all') && { all: true }) } as MessageInitShape<
      typeof one.input
    >);
    await assert.rejects(request(world.bus, one, message, { timeoutMs: 20_000 }), { kind: 'forbidden' }, one.name);
  }
  const inTables = [vmTable, poolTable, removalTable].join('\n').matchAll(/^(\w+)/gm);
  const known = new Set(
    [...inTables]
      .map(([name]) => name)
      .concat(
        elsewhere,
        ofRouters.map(({ name }) => name),
      ),
  );
  const all = [vms, plans, pools, backups, adoptions, use].flatMap(({ methods }) => methods.map(({ name }) => name));
  assert.deepEqual(
    all.filter((name) => !known.has(name)),
    [],
  );
});

test('a bulk goes on as it was accepted, in every group that its maker might write in then; others are told of its items in their groups', async (t) => {
  const world = await makeWorld(t);
  const bulks = new BulkSide(world);
  const ann = aPrincipal({
    ...{ id: 'key-ann', userId: 'ann', group: 'team-a', permissions: ['vms:write', 'operations:read'] },
    grants: [{ group: 'team-b', permissions: ['vms:write'] }],
  });
  const id = randomUUID();
  const items = ['team-a', 'team-b', 'team-c'].map((ownerGroup, at) => provisionItem(`vm-${at}`, { ownerGroup }));
  await bulks.stage(id, 0, items, { principal: ann });
  await bulks.start(id, 3, BulkMode.BEST_EFFORT, { principal: ann });
  const shownTo = async (principal: ReturnType<typeof aPrincipal>) => {
    const { results } = await request(
      world.bus,
      VmService.method.listBulkItems,
      { principal, bulkId: id },
      { timeoutMs: 20_000 },
    );
    const decided = results.every(({ operation, error, machineId }) => operation || error || machineId === '');
    return decided && results.map(({ machineId, error }) => error?.code ?? machineId);
  };
  const all = ['vm-0', 'vm-1', 'OWNER_GROUP_FORBIDDEN'];
  assert.deepEqual(await eventually(() => shownTo(ann)), all);
  assert.deepEqual(
    await shownTo(aPrincipal({ id: 'key-2', userId: 'ann', permissions: ['operations:read'], group: 'x' })),
    all,
  );
  const colleague = aPrincipal({ id: 'key-bob', group: 'team-a', permissions: ['operations:read', 'vms:write'] });
  assert.deepEqual(await shownTo(colleague), ['vm-0', '', 'OWNER_GROUP_FORBIDDEN']);
  await assert.rejects(world.cancel({ id }, colleague), { code: 'PERMISSION_DENIED' }, 'an item is another group’s');
  await world.cancel({ id }, ann);
});

test('what somebody made with one key is seen with every key of the same user, and by no other', async (t) => {
  const things = new ThingsOfGroups(await makeWorld(t));
  const { world } = things;
  const first = aPrincipal({ id: 'key-1', userId: 'ann', group: 'team-a' });
  const second = aPrincipal({ id: 'key-2', userId: 'ann', group: 'team-b' });
  const operation = await world.provision({ vmName: 'web' }, { principal: first });
  assert.equal((await world.operation(operation.id, second)).id, operation.id);
  await assert.rejects(world.vm('web', second), { code: 'VM_NOT_FOUND' });
  for (const stranger of [
    aPrincipal({ id: 'key-3', userId: 'bob', group: 'team-b' }),
    aPrincipal({ id: 'key-3', group: 'team-b' }),
  ])
    await assert.rejects(world.operation(operation.id, stranger), { code: 'OPERATION_NOT_FOUND' });
  await assert.rejects(world.cancel(operation, second), { code: 'PERMISSION_DENIED' });
});
