import type { AdministrationDeps } from './adapters/http/administration.ts';
import type { App } from './adapters/http/app-types.ts';
import { banRoutes } from './adapters/http/users/bans.ts';
import { groupRoutes } from './adapters/http/users/groups.ts';
import { invitationRoutes } from './adapters/http/users/invitations.ts';
import { userRoutes } from './adapters/http/users/users.ts';

/** Everything about users and groups that administrators do. */
export function administrationRoutes(app: App, deps: AdministrationDeps): void {
  for (const addRoutes of [userRoutes, banRoutes, invitationRoutes, groupRoutes]) addRoutes(app, deps);
}
