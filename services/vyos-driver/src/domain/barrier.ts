/** The longest that a driver waits for a request of which it does not know whether it still runs. Milliseconds. */
const longestWaitMs = 900_000;

/** First and last month of the releases whose API hangs for good when two writes meet (T8235). */
const freezing = { from: 202506, to: 202602 };

/**
 * How to be sure that a request which may still run on the router is over. `queue`: an empty `/configure` queues behind it. `wait`: on versions
 * where overlapping writes freeze the API nothing may be sent for so long after the request was.
 */
export function barrierFor(
  version: string,
  estimateMs: number,
): { readonly kind: 'queue' } | { readonly kind: 'wait'; readonly ms: number } {
  const [, year = '', month = ''] = /(20\d{2})[.-]?(\d{2})/.exec(version) ?? [];
  const released = Number(`${year}${month}`);
  return released >= freezing.from && released <= freezing.to
    ? { kind: 'wait', ms: Math.min(longestWaitMs, 3 * estimateMs) }
    : { kind: 'queue' };
}
