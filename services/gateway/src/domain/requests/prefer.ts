/** How long a caller is willing to wait (RFC 7240). */
export interface Preference {
  /** Seconds; absent when the caller gave none. */
  readonly waitSeconds?: number;
  readonly respondAsync: boolean;
}

/** Longer waits are shortened to this. */
export const maxWaitSeconds = 120;

/**
 * Reads the `Prefer` header. Preferences that are unknown or malformed are ignored, as the RFC wants; of repeated ones the first counts.
 * With `respond-async, wait=N` the answer comes after N seconds at the latest.
 */
export function parsePrefer(header: string | undefined): Preference {
  let waitSeconds: number | undefined;
  let respondAsync = false;
  for (const preference of (header ?? '').split(',')) {
    const [token = ''] = preference.split(';');
    const [name = '', value = ''] = token.split('=').map((part) => part.trim());
    if (name.toLowerCase() === 'respond-async') respondAsync = true;
    const digits = /^"?(\d+)"?$/.exec(value)?.[1];
    if (name.toLowerCase() === 'wait' && digits !== undefined) waitSeconds ??= Math.min(Number(digits), maxWaitSeconds);
  }
  return { respondAsync, ...(waitSeconds === undefined ? {} : { waitSeconds }) };
}

/** For how long to wait for the end of what the caller asked. */
export function waitMsOf(preference: Preference, defaultSeconds: number): number {
  return (preference.waitSeconds ?? (preference.respondAsync ? 0 : defaultSeconds)) * 1_000;
}

/** Whether the caller said that an answer before the end will do. */
export const mayWait = (preference: Preference): boolean =>
  preference.respondAsync || preference.waitSeconds !== undefined;
