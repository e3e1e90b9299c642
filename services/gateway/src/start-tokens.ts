import type { OpenAccess } from '@berth/access';
import type { App } from './adapters/http/app-types.ts';
import { sessionRoutes } from './adapters/http/sessions/sessions.ts';
import { signingKeyRoutes } from './adapters/http/sessions/signing-keys.ts';
import { tokenRoutes } from './adapters/http/sessions/tokens.ts';
import type { AuthAsk } from './adapters/nats/auth-service.ts';

/** Tokens, sessions and signing keys. */
export function addTokenRoutes(
  routes: App,
  { access, ...deps }: { auth: AuthAsk; access: OpenAccess; commandTimeoutMs: number },
): void {
  tokenRoutes(routes, { ...deps, authenticator: access.authenticator });
  sessionRoutes(routes, deps);
  signingKeyRoutes(routes, { ...deps, access });
}
