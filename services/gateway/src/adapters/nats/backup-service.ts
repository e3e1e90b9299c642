import {
  type BackedUpVm,
  BackupService as Backups,
  type PlanRestoreRequestSchema,
  type Principal,
  type VmPlan,
} from '@berth/contracts';
import { askPatiently, sendPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';

const { method } = Backups;

/** Backups of routers, as the allocator keeps their VMs. */
export interface BackupService {
  /** All VMs of a router, however many pages they are. */
  list(principal: Principal, router: string): Promise<readonly BackedUpVm[]>;
  /** Not repeated after silence: what it may hold is free again soon. */
  planRestore(message: MessageInitShape<typeof PlanRestoreRequestSchema>): Promise<VmPlan>;
}

/** The driver is asked too, on the way. */
const planWithinMs = 15_000;

export const backupService = (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }): BackupService => ({
  async list(principal, router) {
    const vms: BackedUpVm[] = [];
    for (let pageToken = ''; ; ) {
      const asked = { principal, router, pageToken };
      const ask = () => request(bus, method.listBackup, asked, { timeoutMs: wait.answerTimeoutMs });
      const page = await askPatiently(ask, wait.nobodyThereMs);
      vms.push(...page.vms);
      pageToken = page.nextPageToken;
      if (pageToken === '') return vms;
    }
  },
  planRestore: (message) =>
    sendPatiently(() => request(bus, method.planRestore, message, { timeoutMs: planWithinMs }), wait.nobodyThereMs),
});
