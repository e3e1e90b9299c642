import { type KeyCache, presentedKey } from '@berth/access';
import { type PermissionVerb, permits } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { App } from './app-types.ts';

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
    const { 'x-api-key': apiKey, authorization } = request.headers;
    request.principal = await keys.principalOf(presentedKey({ apiKey, authorization }));
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
