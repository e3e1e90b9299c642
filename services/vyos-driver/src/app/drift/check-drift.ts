import { DomainError } from '@berth/errors';
import type { DriftRule } from '../../domain/drift/drift.ts';
import { mayHoldOwnedPaths } from '../../domain/drift/drift.ts';
import { pause } from '../bell.ts';
import { growingMs } from '../driver-times.ts';

export interface CheckDriftDeps {
  readonly directory: {
    ask(router: string, repair: boolean): Promise<bigint>;
    isDone(router: string, number: bigint, repair: boolean): Promise<boolean>;
    /** Why the router does not answer; undefined: it does. */
    silence(router: string): Promise<string | undefined>;
  };
  /** Wakes the router's worker, whichever replica it runs in. */
  readonly wake: (router: string) => void;
  readonly stopping: AbortSignal;
}

const firstLookMs = 50;
const mostLookMs = 500;
const longestWaitMs = 120_000;

/**
 * Has the router compared, and waits at most so long for the end. True: it is done, with the repair if that was asked for. Every replica can be asked;
 * the one that holds the router sees the request in the tables. Throws ROUTER_UNAVAILABLE when somebody waited for a router that does not answer: the
 * comparison is made as soon as it does.
 */
export async function checkDrift(
  { directory, wake, stopping }: CheckDriftDeps,
  { router, repair, waitMs }: { readonly router: string; readonly repair: boolean; readonly waitMs: number },
): Promise<boolean> {
  const number = await directory.ask(router, repair);
  wake(router);
  const until = performance.now() + Math.min(waitMs, longestWaitMs);
  for (let looks = 1; ; looks++) {
    if (await directory.isDone(router, number, repair)) return true;
    const leftMs = until - performance.now();
    if (leftMs <= 0 || stopping.aborted) {
      if (waitMs > 0) refuseSilent(router, await directory.silence(router));
      return false;
    }
    await pause(Math.min(leftMs, growingMs(looks, firstLookMs, mostLookMs)), stopping);
  }
}

function refuseSilent(router: string, reason: string | undefined): void {
  if (reason === undefined) return;
  const why = reason === '' ? '' : ` (${reason})`;
  const text = `The router ${router} does not answer${why}: it is compared as soon as it does.`;
  throw new DomainError('unavailable', 'ROUTER_UNAVAILABLE', text, { retryAfterSeconds: 30 });
}

const mostRules = 100;
const nowhere =
  'nothing of Berth can lie there: a path ends at the latest at "nat destination rule N" (N from 1 to 999999) or "service dhcp-server shared-network-name NETWORK subnet PREFIX static-mapping NAME"';

/** Throws once, naming every rule that is wrong. */
export function checkRules(rules: readonly DriftRule[]): void {
  const fields: { field: string; message: string }[] = [];
  if (rules.length > mostRules) fields.push({ field: 'policies', message: `at most ${mostRules}` });
  const seen = new Set<string>();
  for (const [index, { path }] of rules.entries()) {
    const text = path.join(' ');
    const field = `policies[${index}].path`;
    if (seen.has(text)) fields.push({ field, message: 'is there twice' });
    if (!mayHoldOwnedPaths(path)) fields.push({ field, message: nowhere });
    seen.add(text);
  }
  if (fields.length === 0) return;
  const text = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new DomainError('invalid', 'INVALID_REQUEST', text, { fields });
}
