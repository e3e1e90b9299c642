import {
  type CheckDriftResponse,
  type DriftReport,
  DriftService,
  type GetDriftResponse,
  type ListDriftPoliciesResponse,
  type Principal,
  type SetDriftPoliciesRequestSchema,
  type SetDriftPoliciesResponse,
} from '@berth/contracts';
import { askPatiently, sendPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';

const { method } = DriftService;

export interface DriftPage {
  readonly router: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
  readonly ended?: boolean;
}

/** Drift of routers, as the driver knows it. */
export interface DriftReader {
  get(principal: Principal, page: DriftPage): Promise<GetDriftResponse>;
  reports(principal: Principal): Promise<readonly DriftReport[]>;
  /** Waits at most `waitMs` for the end. A check that is asked for twice is made once or twice, and does no harm. */
  check(
    principal: Principal,
    asked: { readonly router: string; readonly repair: boolean; readonly waitMs: number },
  ): Promise<CheckDriftResponse>;
  policies(principal: Principal, router: string): Promise<ListDriftPoliciesResponse>;
  /** Replaces all, unless they are others than `ifTag` says; sent again it says the same. */
  setPolicies(message: MessageInitShape<typeof SetDriftPoliciesRequestSchema>): Promise<SetDriftPoliciesResponse>;
}

export const driftReader = (
  bus: Bus,
  { answerTimeoutMs: timeoutMs, nobodyThereMs }: { answerTimeoutMs: number; nobodyThereMs: number },
): DriftReader => ({
  get: (principal, page) =>
    askPatiently(() => request(bus, method.getDrift, { principal, ...page }, { timeoutMs }), nobodyThereMs),
  async reports(principal) {
    const ask = () => request(bus, method.listDriftReports, { principal }, { timeoutMs });
    return (await askPatiently(ask, nobodyThereMs)).reports;
  },
  check(principal, asked) {
    const send = () =>
      request(bus, method.checkDrift, { principal, ...asked }, { timeoutMs: asked.waitMs + timeoutMs });
    return sendPatiently(send, nobodyThereMs);
  },
  policies: (principal, router) =>
    askPatiently(() => request(bus, method.listDriftPolicies, { principal, router }, { timeoutMs }), nobodyThereMs),
  setPolicies: (message) =>
    sendPatiently(() => request(bus, method.setDriftPolicies, message, { timeoutMs }), nobodyThereMs),
});
