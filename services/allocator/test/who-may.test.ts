import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthService, CommandContextSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { request, serve } from '@berth/messaging';
import { create } from '@bufbuild/protobuf';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { failureOf, TestClient } from './grpc-side.ts';
import { type AskPools, ThingsOfGroups, tableOf } from './who-may-side.ts';
import { aPrincipal, makeWorld } from './world.ts';

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
