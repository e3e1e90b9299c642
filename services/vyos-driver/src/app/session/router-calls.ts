import type { ConfigureOutcome } from '../../domain/answers/answer.ts';
import type { ConfigTree } from '../../domain/config-tree.ts';
import { growingMs } from '../driver-times.ts';
import { withAdvice } from '../router-trouble.ts';
import type { RouterSession } from './session.ts';
import { tellStatus } from './tell-status.ts';

/** The router does not answer, or does not let us in. Whatever was going on starts again after the outage, from what is read then. */
export class RouterAway extends Error {
  override readonly name = 'RouterAway';
}

/** Harmless and always there; its answer says that the router is up. */
const probePath = ['system'];

/** Asks whether the router is there. Throws RouterAway when it is not. */
export async function probe(session: RouterSession): Promise<void> {
  const { router, metrics, name, times } = session.parts;
  const { outcome, durationMs } = await router.exists(probePath, session.call(times.probeTimeoutMs));
  metrics.request(name, 'probe', outcome.kind, durationMs);
  if (outcome.kind === 'away' || outcome.kind === 'forbidden') throwAway(session, outcome.text);
  session.noteAnswer();
  session.lastProbeMs = durationMs;
}

/** So many answers that are no configuration may be a moment's; more are those of something else. */
const oddAnswers = 3;
const noConfiguration = 'It answers as if it were a router, but with no configuration.';

/**
 * The whole configuration: ours, others', and what the profile is read from, in one request, since every read costs the router the reading
 * of everything. Asks again while the router cannot say. Throws RouterAway.
 */
export async function readWholeConfig(session: RouterSession): Promise<{ config: ConfigTree; durationMs: number }> {
  const { router, metrics, name, times } = session.parts;
  for (let tries = 1; ; tries++) {
    const { outcome, durationMs } = await router.showConfig([], session.call(times.readTimeoutMs));
    metrics.request(name, 'read', outcome.kind, durationMs);
    if (outcome.kind === 'away' || outcome.kind === 'forbidden') throwAway(session, outcome.text);
    session.noteAnswer();
    if (outcome.kind === 'value' && isConfig(outcome.data)) {
      session.noteUnlocked();
      return { config: outcome.data, durationMs };
    }
    if (outcome.kind === 'value' && tries >= oddAnswers) throwAway(session, noConfiguration);
    await waitForLock(session, tries, 'text' in outcome ? outcome.text : `the router answered ${outcome.kind}`);
  }
}

/** Sends an empty `/configure` until it is answered: whatever the router still worked on is over then. Throws RouterAway. */
export async function waitUntilNothingRuns(session: RouterSession, timeoutMs: number): Promise<void> {
  const { router, metrics, name } = session.parts;
  for (let tries = 1; ; tries++) {
    const { outcome, durationMs } = await router.emptyConfigure(session.call(timeoutMs));
    metrics.request(name, 'empty_configure', outcome.kind, durationMs);
    if (isAway(outcome)) throwAway(session, outcome.text);
    session.noteAnswer();
    if (outcome.kind !== 'try_later') return session.noteUnlocked();
    await waitForLock(session, tries, outcome.text);
  }
}

/** Whether the outcome says that there was no usable answer. */
export const isAway = (
  outcome: ConfigureOutcome,
): outcome is Extract<ConfigureOutcome, { kind: 'unclear' | 'not_sent' | 'forbidden' }> =>
  outcome.kind === 'unclear' || outcome.kind === 'not_sent' || outcome.kind === 'forbidden';

/** The end of a call that had no usable answer: our own fence, or an outage. */
export function throwAway(session: RouterSession, text: string): never {
  session.parts.lease.throwIfLost();
  session.throwIfFenced();
  throw new RouterAway(withAdvice(session.parts.redact(text)));
}

/** Waits before a router that cannot take the request just now is asked again. Throws RouterAway when the session is over meanwhile. */
export async function waitForSpell(session: RouterSession, tries: number): Promise<void> {
  const { times, lease, stopping } = session.parts;
  await session.pause(growingMs(tries, times.lockedFirstMs, times.lockedMostMs));
  lease.throwIfLost();
  if (stopping.aborted) throw new RouterAway('stopping');
}

/** Waits before a router that is locked is asked again. Throws RouterAway when the session is over meanwhile. */
export async function waitForLock(session: RouterSession, tries: number, text: string): Promise<void> {
  const { times, redact } = session.parts;
  await waitForSpell(session, tries);
  session.lockedSince ??= session.now();
  if (session.now() - session.lockedSince < times.lockedAlarmMs) return;
  session.locked = `The router is locked by somebody else: ${redact(text).trim()}`;
  await tellStatus(session);
}

const isConfig = (data: unknown): data is ConfigTree =>
  typeof data === 'object' && data !== null && !Array.isArray(data);
