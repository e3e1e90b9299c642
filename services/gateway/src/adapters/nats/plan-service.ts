import {
  type ApplyPlanRequestSchema,
  type CreatePlanRequestSchema,
  type DiscardPlanRequestSchema,
  type ListPlansResponse,
  type OperationReply,
  type PlanRollbackRequestSchema,
  type PlanState,
  type Principal,
  type VmPlan,
  VmPlanService,
} from '@berth/contracts';
import { askPatiently, sendPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';

const { method } = VmPlanService;

/** Plans, as the allocator keeps them. */
export interface PlanService {
  /** Not repeated after silence: what it may hold is free again soon. */
  create(message: MessageInitShape<typeof CreatePlanRequestSchema>): Promise<VmPlan>;
  /** As `create`. */
  rollback(message: MessageInitShape<typeof PlanRollbackRequestSchema>): Promise<VmPlan>;
  get(principal: Principal, planId: string): Promise<VmPlan>;
  list(
    principal: Principal,
    page: { readonly size: number; readonly token: string; readonly states: PlanState[] },
  ): Promise<ListPlansResponse>;
  apply(message: MessageInitShape<typeof ApplyPlanRequestSchema>, timeoutMs: number): Promise<OperationReply>;
  discard(message: MessageInitShape<typeof DiscardPlanRequestSchema>): Promise<VmPlan>;
}

/** The driver is asked too, on the way. */
const planWithinMs = 15_000;

export const planService = (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }): PlanService => {
  const timeoutMs = wait.answerTimeoutMs;
  return {
    create: (message) =>
      sendPatiently(() => request(bus, method.createPlan, message, { timeoutMs: planWithinMs }), wait.nobodyThereMs),
    rollback: (message) =>
      sendPatiently(() => request(bus, method.planRollback, message, { timeoutMs: planWithinMs }), wait.nobodyThereMs),
    get: (principal, planId) =>
      askPatiently(() => request(bus, method.getPlan, { principal, planId }, { timeoutMs }), wait.nobodyThereMs),
    list(principal, { size, token, states }) {
      const message = { principal, pageSize: size, pageToken: token, states };
      return askPatiently(() => request(bus, method.listPlans, message, { timeoutMs }), wait.nobodyThereMs);
    },
    apply: (message, answerTimeoutMs) => request(bus, method.applyPlan, message, { timeoutMs: answerTimeoutMs }),
    discard: (message) =>
      askPatiently(() => request(bus, method.discardPlan, message, { timeoutMs }), wait.nobodyThereMs),
  };
};
