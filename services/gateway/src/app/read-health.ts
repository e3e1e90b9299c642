import { pause } from './pause.ts';

/** How a router stands, in the words of the API. */
export type RouterHealth = 'ok' | 'unreachable' | 'breaker_open' | 'unknown' | 'blocked' | 'disabled';

/** The state of the whole in a few words. */
export interface Health {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly db: 'ok' | 'down';
  readonly bus: 'ok' | 'down';
  readonly vyos: Readonly<Record<string, RouterHealth>>;
}

/** What health looks at. Each throws when its part does not answer. */
export interface HealthChecks {
  bus(): Promise<unknown>;
  /** Each reaches the database of one service. */
  readonly databases: readonly (() => Promise<unknown>)[];
  routers(): Promise<Readonly<Record<string, RouterHealth>>>;
}

const checkMs = 1_500;
const believedMs = 1_000;

/**
 * Reads the state, within 1.5 s and at most once a second however often it is asked. Routers that nobody tells of at the moment are
 * given as `unknown` under the names they had.
 */
export function healthReader(checks: HealthChecks): () => Promise<Health> {
  let reading: { at: number; health: Promise<Health> } | undefined;
  let lastRouters: Readonly<Record<string, RouterHealth>> = {};

  const read = async (): Promise<Health> => {
    const [bus, routers, ...databases] = await Promise.all([
      succeeds(checks.bus()),
      inTime(checks.routers()),
      ...checks.databases.map((check) => succeeds(check())),
    ]);
    if (routers !== undefined) lastRouters = routers;
    const vyos = routers ?? Object.fromEntries(Object.keys(lastRouters).map((name) => [name, 'unknown' as const]));
    const db = databases.every((ok) => ok);
    // One that people switched off is as they want it.
    const asWanted = (state: RouterHealth) => state === 'ok' || state === 'disabled';
    const allRoutersOk = routers !== undefined && Object.values(vyos).every(asWanted);
    const status = bus && db ? (allRoutersOk ? 'ok' : 'degraded') : 'down';
    return { status, db: db ? 'ok' : 'down', bus: bus ? 'ok' : 'down', vyos };
  };

  return () => {
    if (reading === undefined || performance.now() - reading.at > believedMs) {
      reading = { at: performance.now(), health: read() };
    }
    return reading.health;
  };
}

const succeeds = async (check: Promise<unknown>): Promise<boolean> =>
  (await inTime(check.then(() => true as const))) === true;

async function inTime<T>(check: Promise<T>): Promise<T | undefined> {
  return pause(
    checkMs,
    check.catch(() => undefined),
  );
}
