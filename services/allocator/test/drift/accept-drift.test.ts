import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { DriftAcceptanceService, OperationState, PortAction } from '@berth/contracts';
import { request } from '@berth/messaging';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

interface Found {
  readonly number: number;
  readonly deleted?: boolean;
  readonly disabled?: boolean;
  readonly description?: string;
}

/** Offers what was found on rules of a VM, as the driver does. */
const offer = (world: World, vmId: string, revision: bigint, rules: readonly Found[], operationId = randomUUID()) =>
  request(
    world.bus,
    DriftAcceptanceService.method.acceptDrift,
    {
      context: world.context({ operationId, mayWait: true }),
      resourceId: vmId,
      revision: { incarnation: 1n, number: revision },
      rules: rules.map((rule) => ({ ...rule })),
    },
    { timeoutMs: 10_000 },
  );

const rulesAt = async (world: World, vmId: string, revision: bigint) =>
  (await world.driver.change(vmId, revision)).desired?.rules ?? [];

test('a rule found disabled, described or deleted is what the VM wants from then on, in one revision', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const [ssh, http, https] = await rulesAt(world, vmId, 1n);
  assert.ok(ssh && http && https);
  const operationId = randomUUID();
  const found = [
    { number: ssh.number, disabled: true, description: ssh.description },
    { number: http.number, description: 'mine' },
    { number: https.number, deleted: true },
  ];
  await offer(world, vmId, 1n, found, operationId);
  assert.deepEqual(
    (await rulesAt(world, vmId, 2n)).map(({ number, disabled, description }) => [number, disabled, description]),
    [
      [ssh.number, true, ssh.description],
      [http.number, false, 'mine'],
    ],
  );
  await world.driver.settle(vmId, { applied: true });
  assert.equal((await world.ended({ id: operationId })).state, OperationState.SUCCEEDED);
  const { forwards } = await world.vm('vm');
  assert.equal(forwards.find(({ name }) => name === 'http')?.description, 'mine');
  await offer(world, vmId, 1n, found, operationId); // a repeat is answered the same, and does nothing
  assert.equal(world.driver.changes.filter((change) => change.resourceId === vmId).length, 2);
});

test('a change that is on its way, or came since, wins over what was found', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const [ssh] = await rulesAt(world, vmId, 1n);
  assert.ok(ssh);
  const found = [{ number: ssh.number, disabled: true, description: ssh.description }];
  const change = await world.changePorts('vm', PortAction.DELETE, ['http']);
  await assert.rejects(offer(world, vmId, 1n, found), { code: 'VM_BEING_CHANGED', kind: 'unavailable' });
  await world.applied(change, 2n);
  await assert.rejects(offer(world, vmId, 1n, found), { code: 'VM_BEING_CHANGED' });
  assert.equal(world.driver.changes.filter((one) => one.resourceId === vmId).length, 2);
  await offer(world, vmId, 2n, found);
  assert.equal((await rulesAt(world, vmId, 3n))[0]?.disabled, true);
});

test('what forwards cannot say is refused as a whole, and so is whoever may not change VMs', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({
    vmName: 'vm',
    forwards: [{ name: 'ssh', source: '192.0.2.1', moreSources: ['192.0.2.2'] }, { name: 'http' }],
  });
  const [first, second, http] = await rulesAt(world, vmId, 1n);
  assert.ok(first && second && http);
  const refused = { code: 'DRIFT_NOT_ACCEPTABLE', kind: 'conflict' };
  const disabled = ({ number, description }: Found) => ({ number, disabled: true, description: description ?? '' });
  await assert.rejects(offer(world, vmId, 1n, [disabled(http), disabled(first)]), refused);
  await assert.rejects(offer(world, vmId, 1n, [disabled(first), { number: second.number, deleted: true }]), refused);
  await assert.rejects(offer(world, vmId, 1n, [{ number: 7, deleted: true }]), refused);
  await assert.rejects(offer(world, vmId, 1n, [{ number: http.number, description: "it's" }]), refused);
  await assert.rejects(offer(world, randomUUID(), 1n, [disabled(http)]), { kind: 'not_found' });
  const reader = world.context({ principal: aPrincipal({ permissions: ['vms:read'] }) });
  const asked = { context: reader, resourceId: vmId, revision: { incarnation: 1n, number: 1n }, rules: [] };
  const { acceptDrift } = DriftAcceptanceService.method;
  await assert.rejects(request(world.bus, acceptDrift, asked, { timeoutMs: 20_000 }), { code: 'PERMISSION_DENIED' });
  assert.equal(world.driver.changes.filter((one) => one.resourceId === vmId).length, 1);
  await offer(world, vmId, 1n, [disabled(first), disabled(second)]);
  assert.deepEqual(
    (await rulesAt(world, vmId, 2n)).map((rule) => rule.disabled),
    [true, true, false],
  );
});
