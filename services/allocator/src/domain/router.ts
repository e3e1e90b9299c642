import { DomainError } from '@berth/errors';
import type { RouterSite } from './vm.ts';

export type RouterState =
  | 'unseen'
  | 'ok'
  | 'unreachable'
  | 'breaker_open'
  | 'unknown'
  | 'blocked'
  | 'disabled'
  | 'removed';

/** A DHCP subnet of a router. What is empty or 0 the router does not say. */
export interface DhcpSubnet {
  /** The shared network's name. */
  readonly network: string;
  /** As a prefix. */
  readonly subnet: string;
  readonly subnetId: number;
  readonly gateway: string;
  readonly nameServers: readonly string[];
  readonly leaseSeconds: number;
}

/** An interface of a router. */
export interface RouterInterface {
  readonly name: string;
  /** Its fixed IPv4 addresses. */
  readonly addresses: readonly string[];
  /** It gets an address from somebody else. */
  readonly dynamic: boolean;
}

/** A router as the driver tells of it. */
export interface Router {
  readonly name: string;
  readonly state: RouterState;
  readonly retryAfterSeconds: number;
  /** Where VMs' lines go; null until the driver has read it for the first time. */
  readonly site: RouterSite | null;
  readonly gateway: string;
  /** Every DHCP subnet of it; empty when the driver does not say. */
  readonly subnets: readonly DhcpSubnet[];
  /** Every interface of it; empty when the driver does not say. */
  readonly interfaces: readonly RouterInterface[];
  /** The newest inventory that the driver told of. */
  readonly inventory: bigint;
  /** The inventory that our copy is of; 0: none yet. */
  readonly inventoryLoaded: bigint;
}

const defaultRetrySeconds = 10;

export const routerUnavailable = (router: string, retryAfterSeconds: number): DomainError =>
  new DomainError('unavailable', 'ROUTER_UNAVAILABLE', `The router ${router} is not available at the moment.`, {
    retryAfterSeconds: retryAfterSeconds || defaultRetrySeconds,
  });

/** Throws `unavailable` when changes for this router would have to wait and the caller may not. Nothing has been stored then. */
export function assertAvailable(router: Router, mayWait: boolean): void {
  if (router.state !== 'ok' && !mayWait) throw routerUnavailable(router.name, router.retryAfterSeconds);
}

/** The router's site, once it and what others hold there are known; before that nothing can be handed out, not even to who may wait. */
export function siteOf(router: Router): RouterSite {
  if (router.site === null || router.inventoryLoaded === 0n) {
    throw routerUnavailable(router.name, router.retryAfterSeconds);
  }
  return router.site;
}
