import { authAsk } from '../../nats/auth-service.ts';
import type { AddTopic } from '../wiring.ts';
import { accountIdentityRoutes } from './account-identities.ts';
import { identityProviderRoutes } from './identity-providers.ts';
import { signInProviderRoutes } from './sign-in-providers.ts';

/** Identity providers, signing in with them, and the identities of an account. Auth asks others here, so it may take longer. */
export const addIdentities: AddTopic = (app, { bus, timing }) => {
  const { commandTimeoutMs } = timing;
  const deps = { auth: authAsk(bus, { ...timing, answerTimeoutMs: commandTimeoutMs }), commandTimeoutMs };
  identityProviderRoutes(app, deps);
  signInProviderRoutes(app, deps);
  accountIdentityRoutes(app, deps);
};
