import { type AddTopic, askingAuth } from '../wiring.ts';
import { banRoutes } from './bans.ts';
import { groupRoutes } from './groups.ts';
import { invitationRoutes } from './invitations.ts';
import { userRoutes } from './users.ts';

/** Everything about users and groups that administrators do. */
export const addUsers: AddTopic = (app, wiring) => {
  const deps = askingAuth(wiring);
  for (const addRoutes of [userRoutes, banRoutes, invitationRoutes, groupRoutes]) addRoutes(app, deps);
};
