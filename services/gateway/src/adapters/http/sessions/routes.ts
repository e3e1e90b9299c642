import { type AddTopic, askingAuth } from '../wiring.ts';
import { sessionRoutes } from './sessions.ts';
import { signingKeyRoutes } from './signing-keys.ts';
import { tokenRoutes } from './tokens.ts';

/** Tokens, sessions and signing keys. */
export const addSessions: AddTopic = (app, wiring) => {
  const deps = askingAuth(wiring);
  const { access } = wiring;
  tokenRoutes(app, { ...deps, authenticator: access.authenticator });
  sessionRoutes(app, deps);
  signingKeyRoutes(app, { ...deps, access });
};
