import type { ProfileWishes } from '../../domain/inventory/inventory.ts';
import type { Bell } from '../bell.ts';
import type { Clock } from '../clock.ts';
import type { DriverMetrics } from '../driver-metrics.ts';
import type { DriverTimes } from '../driver-times.ts';
import type { RouterLease } from '../lease.ts';
import type { Log, Router } from '../ports.ts';
import type { RouterLedger } from '../router-ledger.ts';

/** How a router is to be worked. */
export interface RouterWorkSettings {
  /** Where the router can, it takes a commit back that is not confirmed within so many minutes; 0: commits are not confirmed. */
  readonly commitConfirmMinutes: number;
}

/** What a session works with. */
export interface SessionParts {
  readonly name: string;
  readonly router: Router;
  readonly ledger: RouterLedger;
  readonly lease: RouterLease;
  readonly times: DriverTimes;
  readonly wishes: ProfileWishes;
  /** What the operator set for this router. */
  readonly settings: RouterWorkSettings;
  readonly log: Log;
  readonly metrics: DriverMetrics;
  readonly clock: Clock;
  /** Rings when changes wait. */
  readonly bell: Bell;
  readonly stopping: AbortSignal;
  /** Takes secrets out of what the router says. */
  readonly redact: (text: string) => string;
  /** Awaited between the write-ahead row and the request: where a process can be paused for the longest. For tests of the fence. */
  readonly beforeSend?: () => Promise<void>;
}
