import { OperationEndedSchema, RouterChangeSchema, streams, subjects } from '@berth/contracts';
import { binaryMessage, eventMessage, type OutgoingMessage } from '@berth/messaging';
import type { ConfigLeaf } from '../../domain/forwards/forward.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { type DesiredFragment, desiredFragment } from '../../domain/vms/desired-fragment.ts';
import { desiredOf, type Vm, type Wanted } from '../../domain/vms/vm.ts';
import { toOperationMessage, toVmMessage } from './to-messages.ts';

/** The trace and request that an operation came with, whoever's transaction sends for it. */
const headersOf = (operation: Operation | undefined): Record<string, string> => ({
  ...(operation?.traceparent && { traceparent: operation.traceparent }),
  ...(operation?.requestId && { 'Berth-Request-Id': operation.requestId }),
});

/** What a VM shall have on its router, for the driver; `wanted` null: nothing. */
export function changeMessage(
  vm: Vm,
  wanted: Wanted | null,
  operations: readonly Operation[],
  { withdraws = false } = {},
): OutgoingMessage {
  const fragment = wanted && desiredFragment(vm, wanted);
  const message = binaryMessage(streams.routerChanges, subjects.routerChange(vm.router), RouterChangeSchema, {
    router: vm.router,
    resourceId: vm.id,
    revision: { incarnation: BigInt(vm.incarnation), number: BigInt(vm.revision) },
    ...(fragment && { desired: fragmentOnWire(fragment) }),
    adopts: vm.adopted !== undefined && !vm.adopted.anew && vm.state === 'provisioning' && fragment !== null,
    operationIds: operations.map(({ id }) => id),
    ownerGroup: vm.ownerGroup,
    withdraws,
    causes: operations.map((operation) => ({
      operationId: operation.id,
      requestId: operation.requestId,
      principalId: operation.principalId,
      principalName: operation.principalName,
      traceparent: operation.traceparent,
    })),
  });
  return { ...message, headers: headersOf(operations[0]) };
}

/** Takes back the VM's newest revision; says all that the change said, so that it may also be the first that the driver hears of it. */
export const withdrawalMessage = (vm: Vm): OutgoingMessage => changeMessage(vm, desiredOf(vm), [], { withdraws: true });

/** What a VM shall have, as the driver takes it. */
export const fragmentOnWire = ({ mapping, rules }: DesiredFragment) => ({
  mapping: { ...mapping, extra: leaves(mapping.extra) },
  rules: rules.map((rule) => ({ ...rule, extra: leaves(rule.extra) })),
});

const leaves = (extra: readonly ConfigLeaf[]) =>
  extra.map(({ path, values }) => ({ path: [...path], values: [...values] }));

/** The public event of an operation's end; `before`: its VM, where there was one and the operation changed it. */
export function endedMessage(operation: Operation, before: Vm | undefined): OutgoingMessage {
  const message = eventMessage(
    {
      stream: streams.events,
      subject: subjects.operationEnded(operation.id),
      type: 'berth.operation.ended',
      source: 'berth/allocator',
      about: operation.id,
    },
    OperationEndedSchema,
    { operation: toOperationMessage(operation), ...(before && { before: toVmMessage(before) }) },
  );
  return { ...message, headers: { ...message.headers, ...headersOf(operation) } };
}
