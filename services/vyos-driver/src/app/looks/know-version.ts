import type { Dialect } from '../../domain/dialects/dialect.ts';
import { dialectFor } from '../../domain/dialects/dialect.ts';
import { RouterAway } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';

/** Asks for the version where it is not known, or may have changed: after a take-over and after every outage. Throws RouterAway. */
export async function knowVersion(session: RouterSession): Promise<void> {
  if (session.dialect === undefined || session.repairAll) await askVersion(session);
}

/**
 * Asks for the version. True when the router turned out to speak another dialect than was believed: then nothing that was planned before holds.
 * Throws RouterAway when it does not tell, or tells one that is not known.
 */
export async function askVersion(session: RouterSession): Promise<boolean> {
  const { router, times, lease, log, name } = session.parts;
  const before = session.dialect;
  const told = await router.version({
    ...session.call(times.probeTimeoutMs),
    tellsInfo: before?.tellsInfo ?? true,
  });
  lease.throwIfLost();
  if (told !== undefined) session.version = told;
  const dialect = dialectFor(session.version);
  session.dialect = dialect;
  if (dialect === undefined) throw new RouterAway(unknownVersion(session.version));
  if (before === undefined || before === dialect) return false;
  session.ignoresConfirm = false;
  session.upgrade = `The router runs VyOS ${session.version} now; it ran ${before.version} before.`;
  session.repairAll = true; // it was rebooted for that, whether anybody saw it or not
  log.warn({ router: name, version: session.version, before: before.version }, 'router runs another version');
  return true;
}

/** The dialect. Only after the version was asked for. */
export function dialectOf({ dialect }: RouterSession): Dialect {
  if (dialect === undefined) throw new Error('the version must be known before the configuration is understood');
  return dialect;
}

const unknownVersion = (version: string): string =>
  version === ''
    ? 'The router does not tell which version it runs.'
    : `The router runs VyOS ${version}, which this version of Berth does not know.`;
