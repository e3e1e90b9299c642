import { type AddTopic, askingAuth } from '../wiring.ts';
import { apiKeyRoutes } from './api-keys.ts';

/** API keys. */
export const addKeys: AddTopic = (app, wiring) => {
  const { auth, commandTimeoutMs } = askingAuth(wiring);
  apiKeyRoutes(app, { apiKeys: auth, commandTimeoutMs, forget: (id) => wiring.access.keys.forget(id) });
};
