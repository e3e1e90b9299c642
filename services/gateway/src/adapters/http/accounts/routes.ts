import { type AddTopic, askingAuth } from '../wiring.ts';
import { accountRoutes } from './account.ts';
import { registrationRoutes } from './registration.ts';

/** What people do with accounts of their own, from registering on. */
export const addAccounts: AddTopic = (app, wiring) => {
  const deps = askingAuth(wiring);
  registrationRoutes(app, deps);
  accountRoutes(app, deps);
};
