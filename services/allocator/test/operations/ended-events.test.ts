import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type OperationEnded,
  OperationEndedSchema,
  OperationState,
  PortAction,
  subjects,
  type Vm,
} from '@berth/contracts';
import { listen } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { makeWorld, type World } from '../support/world.ts';

/** The ends that are told from here on. */
async function hearEnds(world: World, t: { after(stop: () => void): void }): Promise<readonly OperationEnded[]> {
  const heard: OperationEnded[] = [];
  t.after(listen(world.bus, subjects.anyOperationEnded, OperationEndedSchema, (event) => void heard.push(event)));
  await world.bus.ping();
  return heard;
}

test('each end is a public event', async (t) => {
  const world = await makeWorld(t);
  const heard = await hearEnds(world, t);
  const good = await world.provisioned({ vmName: 'good' });
  const nothing = await world.changePorts('good', PortAction.ENABLE, ['ssh']);
  const bad = await world.provision({ vmName: 'bad' });
  await world.driver.settle(bad.vmId, { applied: false });
  await eventually(() => heard.length === 3);
  assert.deepEqual(
    heard.map(({ operation }) => [operation?.id, operation?.state, operation?.vm?.name ?? operation?.error?.code]),
    [
      [good.id, OperationState.SUCCEEDED, 'good'],
      [nothing.id, OperationState.SUCCEEDED, 'good'],
      [bad.id, OperationState.FAILED, 'ROUTER_REFUSED'],
    ],
  );
});

test('each end tells how its VM was before it, also of changes that went to the router together', async (t) => {
  const world = await makeWorld(t);
  const heard = await hearEnds(world, t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  await world.changePorts('vm', PortAction.PAUSE, ['ssh']);
  await world.driver.change(vmId, 2n);
  // These wait for it, and go together.
  await world.changePorts('vm', PortAction.PAUSE, ['http']);
  await world.changePorts('vm', PortAction.PAUSE, ['https']);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  const refused = await world.changePorts('vm', PortAction.ENABLE, ['ssh']);
  await world.driver.settle(vmId, { applied: false, revision: 4n });
  await world.ended(refused);
  await world.decommission('vm');
  await world.driver.settle(vmId, { applied: true, revision: 5n });
  await eventually(() => heard.length === 6);
  assert.deepEqual(
    heard.map(({ before, operation }) => [enabled(before), enabled(operation?.vm)]),
    [
      [undefined, 'http https ssh'],
      ['http https ssh', 'http https'],
      ['http https', 'https'],
      ['https', ''],
      [undefined, undefined],
      ['', ''],
    ],
  );
});

const enabled = (vm: Vm | undefined): string | undefined =>
  vm?.forwards
    .filter((forward) => forward.enabled)
    .map(({ name }) => name)
    .sort()
    .join(' ');
