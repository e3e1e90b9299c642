import { RouterAway } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';

/** After so many in a row that lost nothing the router, or what stands before it, is taken to close connections as it likes. */
const mostHarmless = 3;

/**
 * A connection that the router closes while nothing is asked may be all that is seen of a reboot, and what was not saved is gone then: it is an outage,
 * and everything is read before the next write. Throws RouterAway. With everything saved a reboot loses nothing of ours. While something
 * is not saved, probes keep a connection open all the time.
 */
export function expectNoDrops(session: RouterSession): void {
  const { drops } = session.parts.router;
  if (drops === session.dropsSeen) return;
  session.dropsSeen = drops;
  if (session.savedCount >= session.appliedCount) return;
  if (session.ground !== undefined) {
    session.harmlessDrops = session.ground.differences.size === 0 ? session.harmlessDrops + 1 : 0;
  }
  if (session.harmlessDrops > mostHarmless) return;
  throw new RouterAway('The router closed the connection: it may have been rebooted.');
}
