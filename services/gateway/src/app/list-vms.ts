import type { Principal, Vm, VmOrder, VmState } from '@berth/contracts';

/** A page of VMs, and where the next one begins; empty on the last. */
export interface VmPage {
  readonly vms: readonly Vm[];
  readonly nextPageToken: string;
}

/** Which VMs, and in which order. What is absent does not matter. */
export interface VmQuery {
  readonly filter?: {
    readonly ownerGroup?: string;
    readonly withoutGroup?: boolean;
    readonly router?: string;
    readonly pool?: string;
    readonly address?: string;
    readonly externalPort?: number;
    readonly states?: VmState[];
    readonly text?: string;
    readonly macAddress?: string;
  };
  readonly order?: VmOrder;
  readonly descending?: boolean;
}

/** Reads VMs. */
export interface VmReader {
  get(principal: Principal, machineId: string): Promise<Vm>;
  list(principal: Principal, page: { size: number; token: string }, query?: VmQuery): Promise<VmPage>;
}

const largestPage = 1_000;

/** A page when the caller wants pages, else all VMs: dashboards from before there were pages read one array. */
export async function listVms(
  vms: VmReader,
  principal: Principal,
  wanted: { limit?: number; cursor?: string },
): Promise<VmPage> {
  if (wanted.limit !== undefined) return vms.list(principal, { size: wanted.limit, token: wanted.cursor ?? '' });
  const all: Vm[] = [];
  let token = wanted.cursor ?? '';
  do {
    const page = await vms.list(principal, { size: largestPage, token });
    all.push(...page.vms);
    token = page.nextPageToken;
  } while (token !== '');
  return { vms: all, nextPageToken: '' };
}
