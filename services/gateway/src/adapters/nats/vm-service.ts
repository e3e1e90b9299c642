import {
  type ChangeForwardsRequestSchema,
  type ChangePortsRequestSchema,
  type DecommissionVmRequestSchema,
  type OperationReply,
  type ProvisionVmRequestSchema,
  type UpdateVmRequestSchema,
  VmService,
} from '@berth/contracts';
import { askPatiently, DomainError } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { VmReader } from '../../app/list-vms.ts';
import type { OperationLister } from '../../app/operations/list-operations.ts';
import type { OperationReader } from '../../app/operations/operations.ts';
import type { CancelOperation } from '../http/operations/cancel-operation.ts';

const { method } = VmService;

/** The allocator asks the driver, and again while the change is still on its way there. */
const cancelWithinMs = 15_000;

const missing = (what: string) => new DomainError('bug', 'INTERNAL', `An answer came without its ${what}.`);

/** What is asked of a VM; each kind with its own message. */
export type VmCommand =
  | { readonly case: 'provision'; readonly value: MessageInitShape<typeof ProvisionVmRequestSchema> }
  | { readonly case: 'changePorts'; readonly value: MessageInitShape<typeof ChangePortsRequestSchema> }
  | { readonly case: 'changeForwards'; readonly value: MessageInitShape<typeof ChangeForwardsRequestSchema> }
  | { readonly case: 'updateVm'; readonly value: MessageInitShape<typeof UpdateVmRequestSchema> }
  | { readonly case: 'decommission'; readonly value: MessageInitShape<typeof DecommissionVmRequestSchema> };

/** The commands on VMs. Each answers as soon as it is accepted. */
export interface VmCommands {
  send(command: VmCommand, timeoutMs: number): Promise<OperationReply>;
}

export const vmCommands = (bus: Bus): VmCommands => ({
  send(command, timeoutMs) {
    switch (command.case) {
      case 'provision':
        return request(bus, method.provisionVm, command.value, { timeoutMs });
      case 'changePorts':
        return request(bus, method.changePorts, command.value, { timeoutMs });
      case 'changeForwards':
        return request(bus, method.changeForwards, command.value, { timeoutMs });
      case 'updateVm':
        return request(bus, method.updateVm, command.value, { timeoutMs });
      case 'decommission':
        return request(bus, method.decommissionVm, command.value, { timeoutMs });
    }
  },
});

export const operationReader = (bus: Bus): OperationReader => ({
  async get(principal, operationId, timeoutMs) {
    const { operation } = await request(bus, method.getOperation, { principal, operationId }, { timeoutMs });
    if (operation === undefined) throw missing('operation');
    return operation;
  },
});

/** Cancels operations; patient with silence, because a repeat does no harm. */
export const operationCanceller =
  (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }): CancelOperation =>
  async (principal, operationId) => {
    const ask = () => request(bus, method.cancelOperation, { principal, operationId }, { timeoutMs: cancelWithinMs });
    const { operation } = await askPatiently(ask, wait.nobodyThereMs);
    if (operation === undefined) throw missing('operation');
    return operation;
  };

/** Lists operations. */
export const operationLister = (
  bus: Bus,
  wait: { answerTimeoutMs: number; nobodyThereMs: number },
): OperationLister => ({
  list(principal, { size, token }, { since, ...filter }) {
    const asked = { ...filter, ...(since && { since: timestampFromDate(since) }) };
    const message = { principal, pageSize: size, pageToken: token, filter: asked };
    const ask = () => request(bus, method.listOperations, message, { timeoutMs: wait.answerTimeoutMs });
    return askPatiently(ask, wait.nobodyThereMs);
  },
});

/** Reads VMs; patient while a replica restarts, and with silence, because reading may be repeated. */
export const vmReader = (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }): VmReader => {
  const timeoutMs = wait.answerTimeoutMs;
  return {
    async get(principal, machineId) {
      const ask = () => request(bus, method.getVm, { principal, machineId }, { timeoutMs });
      const { vm } = await askPatiently(ask, wait.nobodyThereMs);
      if (vm === undefined) throw missing('VM');
      return vm;
    },
    list(principal, { size, token }, query = {}) {
      const message = { ...query, principal, pageSize: size, pageToken: token };
      const ask = () => request(bus, method.listVms, message, { timeoutMs });
      return askPatiently(ask, wait.nobodyThereMs);
    },
  };
};
