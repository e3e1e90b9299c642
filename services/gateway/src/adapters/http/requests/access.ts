import { type KeyCache, presentedKey } from '@berth/access';
import { type PermissionVerb, type Principal, permits } from '@berth/contracts';
import { DomainError, isKind } from '@berth/errors';
import type { AnyRequest, App } from '../app-types.ts';
import type { RefusalLimit } from './rate-limit.ts';

/** Who holds what a caller shows: an API key or an access token. */
export type Keys = Pick<KeyCache, 'principalOf' | 'knows'>;
/** A route as it was declared, with the permission that it needs: a verb, `user` or `open`. */
export interface RouteAccess {
  readonly method: string;
  readonly path: string;
  readonly access: string;
}

/**
 * Nothing is reachable by default: every route says what it needs, and a route that does not stops the start. Requests without a valid
 * key count in `refusals`.
 */
export function registerAccess(app: App, keys: Keys, refusals: RefusalLimit): void {
  app.decorateRequest('principal', null);
  const routes: RouteAccess[] = [];
  app.decorate('routeAccess', routes);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.permission === undefined && config?.open !== true && config?.user !== true) {
      throw new Error(`The route ${String(method)} ${url} does not say what permission it needs.`);
    }
    if (config.answersOtherMethods === true) return;
    const access = config.open === true ? 'open' : config.user === true ? 'user' : String(config.permission);
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push({ method: one, path: url, access });
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404 || request.routeOptions.config.open === true) return;
    request.principal = await holderOf(request, keys, refusals);
  });
  app.addHook('preParsing', async (request) => {
    if (request.is404 || request.routeOptions.config.open === true) return;
    const { user, permission } = request.routeOptions.config;
    if (user === true) requireUser(request.principal);
    else requirePermission(request.principal, permission);
  });
}

/** Whoever guesses keys neither has each guess asked about, nor shuts out those behind the same address whose keys are known. */
async function holderOf({ headers, raw, ip }: AnyRequest, keys: Keys, refusals: RefusalLimit): Promise<Principal> {
  try {
    const key = presentedKey({ apiKey: headers['x-api-key'], authorization: authorizationIn(raw) });
    if (!keys.knows(key)) refusals.check(ip);
    return await keys.principalOf(key, ip);
  } catch (error) {
    if (isKind(error, 'unauthenticated')) refusals.note(ip);
    throw error;
  }
}

/** Of several Node shows the first: all of them joined are no key, so that nobody takes a part for the whole. */
function authorizationIn({ rawHeaders }: AnyRequest['raw']): string | undefined {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization');
  return values.length === 0 ? undefined : values.join(', ');
}

function requireUser(principal: Principal | null): void {
  if (principal?.kind === 'user') return;
  throw new DomainError('forbidden', 'USER_REQUIRED', 'This needs a user who has signed in, not an API key.');
}

function requirePermission(principal: Principal | null, verb: PermissionVerb | undefined): void {
  if (principal !== null && verb !== undefined && permits(principal, verb)) return;
  throw new DomainError('forbidden', 'PERMISSION_DENIED', `This needs the permission ${verb ?? 'of nobody'}.`);
}
