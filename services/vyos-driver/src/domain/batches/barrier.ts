/** The longest that a driver waits for a request of which it does not know whether it still runs. Milliseconds. */
const longestWaitMs = 900_000;

/**
 * How to be sure that a request which may still run on the router is over. `queue`: an empty `/configure` queues behind it. `wait`: on versions
 * where overlapping writes freeze the API nothing may be sent for so long after the request was.
 */
export function barrierFor(
  { freezes }: { readonly freezes: boolean },
  estimateMs: number,
): { readonly kind: 'queue' } | { readonly kind: 'wait'; readonly ms: number } {
  return freezes ? { kind: 'wait', ms: Math.min(longestWaitMs, 3 * estimateMs) } : { kind: 'queue' };
}
