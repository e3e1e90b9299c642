import { DomainError } from '@berth/errors';
import type { RouterSite } from '../vms/vm.ts';

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
  /** Why it is in that state, in the driver's or the router's words; may be empty. */
  readonly reason: string;
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

type Standing = Pick<Router, 'name' | 'state' | 'reason' | 'retryAfterSeconds'>;

/** What is said of a router by its state, and the code that goes with it. */
const troubles: Record<RouterState, readonly [code: string, text: string]> = {
  ok: ['ROUTER_UNAVAILABLE', 'is not ready yet'],
  unseen: ['ROUTER_UNAVAILABLE', 'was not read yet'],
  unreachable: ['ROUTER_UNAVAILABLE', 'does not answer'],
  breaker_open: ['ROUTER_UNAVAILABLE', 'has failed too often to be asked now'],
  unknown: ['ROUTER_UNAVAILABLE', 'is in a state that nobody knows, until it has been read'],
  blocked: [
    'ROUTER_BLOCKED',
    'refuses every commit because of something in its configuration that is not of this change',
  ],
  disabled: ['ROUTER_DISABLED', 'is disabled: enable it, or send "Prefer: respond-async" to have the change wait'],
  removed: ['ROUTER_UNAVAILABLE', 'was removed'],
};

/** Why nothing can be changed on a router now: its state, and the reason that is known for that. */
export function routerUnavailable({ name, state, reason, retryAfterSeconds }: Standing): DomainError {
  const [code, text] = troubles[state];
  const why = reason === '' ? '.' : ` (${reason.replace(/\.$/, '')}).`;
  return new DomainError('unavailable', code, `The router ${name} ${text}${why}`, {
    retryAfterSeconds: retryAfterSeconds || defaultRetrySeconds,
  });
}

/** A router that shall be there and that nobody has told of yet. */
export const routerNotTold = (name: string): DomainError =>
  routerUnavailable({ name, state: 'unseen', reason: '', retryAfterSeconds: 0 });

/** Throws `unavailable` when changes for this router would have to wait and the caller may not. Nothing has been stored then. */
export function assertAvailable(router: Router, mayWait: boolean): void {
  if (router.state !== 'ok' && !mayWait) throw routerUnavailable(router);
}

/** The router's site, once it and what others hold there are known; before that nothing can be handed out, not even to who may wait. */
export function siteOf(router: Router): RouterSite {
  if (router.site === null || router.inventoryLoaded === 0n) {
    // Enabling it or waiting would not help: it must have been read once.
    throw routerUnavailable(['ok', 'disabled'].includes(router.state) ? { ...router, state: 'unseen' } : router);
  }
  return router.site;
}
