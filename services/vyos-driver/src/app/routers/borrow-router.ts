import { randomUUID } from 'node:crypto';
import { DomainError } from '@berth/errors';
import { pause } from '../bell.ts';
import { type LeaseStore, type LeaseTimes, RouterLease } from '../lease.ts';
import type { Log } from '../ports.ts';
import type { RouterRegistry } from './router-registry.ts';

export interface BorrowDeps {
  readonly registry: RouterRegistry;
  /** Of routers that are switched off too. */
  readonly leases: LeaseStore;
  readonly times: LeaseTimes;
  readonly log: Log;
  /** Tells every replica that the router's lease is wanted. */
  readonly announce: (router: string) => void;
}

/** How long the worker may take to end what it does. */
const waitMs = 30_000;
const tryEveryMs = 50;
/** Nobody keeps a router for longer, should this process die over it. */
const keptMs = 90_000;

const busy = (router: string, why: string): DomainError =>
  new DomainError('unavailable', 'ROUTER_BUSY', `The router ${router} cannot be tried now: ${why}.`, {
    retryAfterSeconds: 10,
  });

/**
 * What `use` gives, while nobody else works the router: its worker, on whatever replica, ends what it does and gives the lease away, and gets it
 * back afterwards. Throws `unavailable` ROUTER_BUSY.
 */
export async function borrowRouter<T>(
  deps: BorrowDeps,
  router: string,
  use: (mayStillSend: () => boolean) => Promise<T>,
): Promise<T> {
  const { registry, announce } = deps;
  const holder = randomUUID();
  if (!(await registry.borrow(router, holder, keptMs))) throw busy(router, 'somebody else tries it');
  try {
    announce(router);
    const lease = await waitForLease(deps, router, holder);
    try {
      if (await registry.hasOpenBatch(router)) throw busy(router, 'it has to be read first what became of a change');
      return await use(lease.mayStillSend);
    } finally {
      await lease.release();
    }
  } finally {
    await registry.giveBack(router, holder);
    announce(router);
  }
}

async function waitForLease({ leases, log, times }: BorrowDeps, router: string, holder: string): Promise<RouterLease> {
  const until = performance.now() + waitMs;
  const never = new AbortController().signal;
  for (;;) {
    const lease = await RouterLease.acquire({ store: leases, log, times }, router, holder);
    if (lease !== undefined) return lease;
    if (performance.now() > until) throw busy(router, 'a change is on its way');
    await pause(tryEveryMs, never);
  }
}
