import { type PermissionVerb, permits } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { KeyCache } from '../../app/key-cache.ts';
import type { AnyRequest, App } from './app-types.ts';

/** Keys are visible ASCII; anything else cannot be one and is not passed on. */
const keyPattern = /^[\x21-\x7e]{1,512}$/;

const unauthenticated = (code: string, message: string) => new DomainError('unauthenticated', code, message);

/** The key that a request shows, in `X-API-Key` or as a bearer. */
function presentedKey(headers: AnyRequest['headers']): string {
  const own = headers['x-api-key'];
  const bearer = bearerOf(headers.authorization);
  if (own !== undefined && bearer !== undefined && own !== bearer) {
    throw unauthenticated('CREDENTIALS_DIFFER', 'X-API-Key and Authorization name different keys.');
  }
  const key = own ?? bearer;
  if (key === undefined) throw unauthenticated('CREDENTIALS_MISSING', 'Send your key as X-API-Key or as a bearer.');
  if (typeof key !== 'string' || !keyPattern.test(key))
    throw unauthenticated('API_KEY_INVALID', 'This key is not valid.');
  return key;
}

function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = /^bearer +(\S.*)$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthenticated('CREDENTIALS_MISSING', 'Authorization must be "Bearer" and a key.');
  return token.trimEnd();
}

/** Nothing is reachable by default: every route says what it needs, and a route that does not stops the start. */
export function registerAccess(app: App, keys: KeyCache): void {
  app.decorateRequest('principal', null);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.permission === undefined && config?.open !== true) {
      throw new Error(`The route ${String(method)} ${url} does not say what permission it needs.`);
    }
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404 || request.routeOptions.config.open === true) return;
    request.principal = await keys.principalOf(presentedKey(request.headers));
  });
  app.addHook('preParsing', async (request) => {
    if (request.is404 || request.routeOptions.config.open === true) return;
    requirePermission(request.principal, request.routeOptions.config.permission);
  });
}

function requirePermission(
  principal: { permissions: readonly string[] } | null,
  verb: PermissionVerb | undefined,
): void {
  if (principal !== null && verb !== undefined && permits(principal, verb)) return;
  throw new DomainError('forbidden', 'PERMISSION_DENIED', `This needs the permission ${verb ?? 'of nobody'}.`);
}
