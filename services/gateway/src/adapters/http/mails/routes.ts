import { type AddTopic, askingAuth } from '../wiring.ts';
import { mailRoutes } from './mails.ts';

/** Mails that were sent or could not be, and who gets which. */
export const addMails: AddTopic = (app, wiring) => {
  const { auth, commandTimeoutMs } = askingAuth(wiring);
  mailRoutes(app, { mails: auth, commandTimeoutMs });
};
