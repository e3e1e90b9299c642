import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { HistoryService, PortAction, type RouterChange, type VmPlan, VmPlanService } from '@berth/contracts';
import { request, serve } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { PlanSide } from '../support/plan-side.ts';
import { aPrincipal, makeWorld, type PrincipalInit, type World } from '../support/world.ts';

const admin: PrincipalInit = { permissions: ['*'] };

/** A world whose driver remembers what every VM had at one moment. */
class Past {
  readonly side: PlanSide;
  readonly #world: World;
  #then: readonly RouterChange[] = [];
  #at = new Date(0);

  constructor(world: World) {
    this.#world = world;
    this.side = new PlanSide(world);
    const commit = () => ({ id: randomUUID(), number: 7n, endedAt: timestampFromDate(this.#at) });
    serve(world.bus, HistoryService.method.getCommit, async () => ({ commit: commit() }));
    serve(world.bus, HistoryService.method.listFragmentsAt, async () => ({
      fragments: this.#then.flatMap(({ resourceId, desired, ownerGroup }) =>
        desired ? [{ resourceId, fragment: desired, ownerGroup }] : [],
      ),
    }));
  }

  /** What stands now is what is gone back to. */
  remember(): void {
    const ids = new Set(this.#world.driver.changes.map(({ resourceId }) => resourceId));
    this.#then = [...ids].flatMap((id) => this.#world.driver.newest(id) ?? []);
    this.#at = new Date();
  }

  rollback(more: { readonly reduce?: boolean } = {}, principal: PrincipalInit = admin): Promise<VmPlan> {
    const message = {
      ...more,
      context: this.#world.context({ principal: aPrincipal(principal) }),
      router: 'default',
      to: { value: { case: 'commitNumber' as const, value: 7n } },
      request: 'POST /v1/routers/default/rollback',
    };
    return request(this.#world.bus, VmPlanService.method.planRollback, message, { timeoutMs: 20_000 });
  }

  /** Applies the plan; the router judges each change so. Gives back the bulk once it has ended. */
  async apply(plan: VmPlan, applied = true) {
    const principal = aPrincipal(admin);
    await this.side.apply(plan.id, { operationId: plan.id, principal });
    for (const { vmId } of plan.vms) {
      const seen = this.#world.driver.newest(vmId)?.revision?.number ?? 0n;
      await eventually(() => this.#world.driver.newest(vmId));
      const newest = await this.#world.query<{ revision: string; unsettled: boolean }>(
        'SELECT revision, unsettled FROM vms WHERE id = $1',
        [vmId],
      );
      if (!newest[0]?.unsettled) continue;
      const revision = BigInt(newest[0].revision);
      await this.#world.driver.change(vmId, revision > seen ? revision : seen);
      await this.#world.driver.settle(vmId, { applied, revision });
    }
    return eventually(
      async () => {
        const [bulk] = await this.#world.query<{ state: string; succeeded: number; failed: number }>(
          'SELECT state, succeeded, failed FROM bulks WHERE id = $1',
          [plan.id],
        );
        return bulk?.state === 'running' ? undefined : bulk;
      },
      { what: 'the end of the rollback' },
    );
  }
}

const partsOf = (change: RouterChange | undefined) =>
  JSON.stringify([change?.desired?.mapping, change?.desired?.rules]);

/** Who holds how many values of each kind, and names. */
const holdings = (world: World) =>
  world.query<{ kind: string; count: number }>(
    `SELECT kind, count(*)::int AS count FROM allocations GROUP BY kind
     UNION ALL SELECT 'names', count(*)::int FROM claims ORDER BY 1`,
  );

const gone = async (world: World, name: string) => {
  const { vmId } = await world.decommission(name);
  const revision = (await eventually(() => world.driver.newest(vmId, 2n))).revision?.number ?? 2n;
  await world.driver.settle(vmId, { applied: true, revision });
  await eventually(async () => (await world.query("SELECT FROM vms WHERE id = $1 AND state = 'removed'", [vmId]))[0]);
};

test('a VM that was removed comes back with all its numbers, though others have taken lower ones, and holds them alone', async (t) => {
  const world = await makeWorld(t);
  const past = new Past(world);
  const operation = await world.provisioned({ vmName: 'web', metadata: { a: 'b' }, ownerGroup: 'team' });
  const forwards = await world.changeForwards('web', {
    create: [{ name: 'db', internalPort: 5432, source: '10.1.1.1', moreSources: ['10.1.1.2'] }],
  });
  await world.applied(forwards, 2n);
  past.remember();
  const then = world.driver.newest(operation.vmId);
  const held = await holdings(world);
  await gone(world, 'web');
  const plan = await past.rollback();
  const [planned] = plan.vms;
  assert.notEqual(planned?.vmId, operation.vmId);
  await assert.rejects(world.provision({ vmName: 'web' }), { code: 'VM_NAME_TAKEN' });
  const bulk = await past.apply(plan);
  assert.deepEqual([bulk.succeeded, bulk.failed], [1, 0]);
  assert.equal(partsOf(world.driver.newest(planned?.vmId ?? '')), partsOf(then));
  const vm = await world.vm('web');
  assert.deepEqual([vm.id, vm.ownerGroup, vm.metadata], [planned?.vmId, 'team', { a: 'b' }]);
  assert.deepEqual(await holdings(world), held);
});

test('a restored VM that the router refuses leaves nothing behind, and a changed one is as it was before the rollback', async (t) => {
  const world = await makeWorld(t);
  const past = new Past(world);
  await world.provisioned({ vmName: 'gone' });
  const kept = await world.provisioned({ vmName: 'kept' });
  past.remember();
  await gone(world, 'gone');
  const update = await world.updateVm('kept', { vmName: 'renamed' });
  await world.applied(update, 2n);
  await world.applied(await world.changePorts('renamed', PortAction.DELETE, ['ssh']), 3n);
  const before = await holdings(world);
  const bulk = await past.apply(await past.rollback(), false);
  assert.deepEqual([bulk.succeeded, bulk.failed], [0, 2]);
  await assert.rejects(world.vm('gone'), { code: 'VM_NOT_FOUND' });
  const vm = await world.vm('renamed');
  assert.deepEqual([vm.id, vm.forwards.map(({ name }) => name)], [kept.vmId, ['http', 'https']]);
  assert.deepEqual(await holdings(world), before);
});

test('a rollback is refused whole for what others hold, naming each VM, value and holder, or leaves those VMs out', async (t) => {
  const world = await makeWorld(t, { config: { quarantineMs: 0 } });
  const past = new Past(world);
  const first = await world.provisioned({ vmName: 'first' });
  await world.provisioned({ vmName: 'second' });
  past.remember();
  const address = world.driver.newest(first.vmId)?.desired?.mapping?.ipAddress;
  for (const name of ['first', 'second']) await gone(world, name);
  await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind = 'quarantine'")).length === 0);
  const other = await past.side.provision('other');
  assert.equal(other.vms[0]?.internalIp, address);
  await assert.rejects(past.rollback(), { code: 'ROLLBACK_BLOCKED' });
  const refusal = await past.rollback().catch((error: unknown) => error);
  const { details } = refusal as { details: { fields: { field: string; message: string }[] } };
  assert.ok(details.fields.every(({ field }) => field === 'first'));
  assert.equal(details.fields[0]?.message, `the address ${address} is held by a plan`);
  assert.equal(details.fields.length, 5);
  const reduced = await past.rollback({ reduce: true });
  assert.deepEqual([reduced.vms.map(({ vmName }) => vmName), reduced.refused.length], [['second'], 1]);
});

test('a VM that no operation tells of is made of its lines', async (t) => {
  const world = await makeWorld(t);
  const past = new Past(world);
  const { vmId } = await world.provisioned({ vmName: 'web' });
  past.remember();
  const then = world.driver.newest(vmId);
  await world.applied(await world.changePorts('web', PortAction.DELETE, ['ssh']), 2n);
  await world.query('DELETE FROM operations');
  const plan = await past.rollback();
  await past.apply(plan);
  assert.equal(partsOf(world.driver.newest(vmId)), partsOf(then));
  assert.deepEqual((await world.vm('web')).forwards.map(({ name }) => name).sort(), ['http', 'https', 'ssh']);
});

test('a rollback is for whoever may do all with routers; nothing is planned over a change that is on its way', async (t) => {
  const world = await makeWorld(t);
  const past = new Past(world);
  await world.provisioned({ vmName: 'web' });
  past.remember();
  await gone(world, 'web');
  await assert.rejects(past.rollback({}, { permissions: ['vms:write', 'routers:read'] }), {
    code: 'PERMISSION_DENIED',
  });
  await assert.rejects(past.rollback({}, { permissions: ['*'], group: 'team' }), { code: 'PERMISSION_DENIED' });
  const plan = await past.rollback();
  await assert.rejects(past.side.apply(plan.id, { operationId: plan.id }), { code: 'PERMISSION_DENIED' });
  await past.apply(plan);
  await world.changePorts('web', PortAction.PAUSE, ['ssh']);
  past.remember();
  await assert.rejects(past.rollback(), { code: 'ROLLBACK_BLOCKED', message: /1 VMs/ });
});
