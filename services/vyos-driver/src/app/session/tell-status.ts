import type { Standing } from '../router-ledger.ts';
import type { RouterSession } from './session.ts';

/** Retry times that differ by less are the same news. */
const sameRetryMs = 2_000;

/** Tells all how the router stands, when that has changed. */
export async function tellStatus(session: RouterSession): Promise<void> {
  const { ledger, metrics, log, name, router } = session.parts;
  metrics.breaker(name, router.state);
  const standing = standingOf(session);
  if (standing === undefined) return;
  metrics.state(name, standing.state);
  const { told } = session;
  const retryDiffers = Math.abs(retryMoment(session.now(), standing) - retryMoment(told.at, told)) > sameRetryMs;
  if (standing.state === told.state && standing.reason === told.reason && !retryDiffers) return;
  await ledger.tell(standing);
  session.told = { ...standing, at: session.now() };
  const fields = { router: name, state: standing.state, reason: standing.reason, before: told.state };
  if (standing.state === 'ok') log.info(fields, 'router status changed');
  else
    log[standing.state === 'unknown' || standing.state === 'blocked' ? 'error' : 'warn'](
      fields,
      'router status changed',
    );
}

const retryMoment = (now: number, standing: Standing): number =>
  standing.retryAfterMs === undefined ? 0 : now + standing.retryAfterMs;

/** One lost answer is told to nobody. */
const unansweredReason = ({ unanswered }: RouterSession): string =>
  unanswered !== undefined && unanswered.tries > 1
    ? `The router answers, but not to commits; looking for the change that it cannot bear: ${unanswered.text}`
    : '';

/** One save that failed is told to nobody. */
const unsavedReason = ({ saveTrouble }: RouterSession): string | undefined =>
  saveTrouble !== undefined && saveTrouble.tries > 1
    ? `The router does not save its configuration, so that a reboot of it would lose the last changes for a while: ${saveTrouble.text}`
    : undefined;

/** Undefined while there is nothing to say yet: one lost connection is no outage, and a router never looked at is not `ok`. */
function standingOf(session: RouterSession): Standing | undefined {
  const { away, unknown, blocked, told, parts } = session;
  const inMs = (moment: number) => Math.max(0, moment - session.now());
  if (parts.router.state === 'open') {
    const reason = away?.text ?? told.reason;
    return { state: 'breaker_open', reason, retryAfterMs: parts.router.retryAfterSeconds() * 1_000 };
  }
  if (away !== undefined) {
    if (away.tries < 2) return undefined;
    return { state: 'unreachable', reason: away.text, retryAfterMs: inMs(away.retryAt) };
  }
  if (unknown !== undefined) return { state: 'unknown', reason: unknown.text, retryAfterMs: inMs(unknown.retryAt) };
  if (blocked !== undefined) return { state: 'blocked', reason: blocked.text, retryAfterMs: inMs(blocked.retryAt) };
  if (session.look === undefined) return undefined;
  return {
    state: 'ok',
    reason: session.locked ?? session.reverted ?? unsavedReason(session) ?? unansweredReason(session),
  };
}
