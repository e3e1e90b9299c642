import type { RouterState } from '../domain/routers/router-state.ts';

export type RequestKind = 'configure' | 'empty_configure' | 'confirm' | 'read' | 'probe' | 'save';

/** What the driver counts. */
export interface DriverMetrics {
  request(router: string, kind: RequestKind, outcome: string, durationMs: number): void;
  batch(
    router: string,
    batch: {
      readonly outcome: string;
      readonly resources: number;
      readonly operations: number;
      readonly durationMs: number;
    },
  ): void;
  verdicts(router: string, verdict: 'applied' | 'rejected', count: number): void;
  waiting(router: string, count: number): void;
  state(router: string, state: RouterState): void;
  breaker(router: string, state: 'closed' | 'open' | 'half_open'): void;
  leaseEpoch(router: string, epoch: bigint): void;
  saved(router: string): void;
  /** A save that was not done, whatever for. */
  saveFailed(router: string): void;
  /** Resources whose paths differ from what is applied, as last read. */
  drifted(router: string, count: number): void;
  /** The router was read and compared; so many paths differ by somebody else's doing. */
  driftChecked(router: string, paths: number): void;
  /** Resources that were brought back to what is applied. */
  driftRepaired(router: string, count: number): void;
  /** A commit that was not confirmed, and that the router took back. */
  reverted(router: string): void;
  /** A repair or a way back that the router refused. */
  repairRefused(router: string): void;
}
