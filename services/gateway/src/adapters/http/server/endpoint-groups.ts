import { counts, elsewhere, endpointGroupOf, type RouteAccess } from '../../../domain/requests/endpoint-groups.ts';
import type { AnyRequest, App } from '../app-types.ts';

/** Puts each route that is registered afterwards into its group: one without a group, or whose access the group does not have, stops the start. */
export function registerEndpointGroups(app: App): void {
  app.addHook('onRoute', (route) => {
    const config = route.config ?? {};
    const hidden = route.schema?.hide === true && config.endpointGroup === undefined;
    const group = hidden ? elsewhere : endpointGroupOf({ tags: route.schema?.tags, named: config.endpointGroup });
    const name = `${String(route.method)} ${route.url}`;
    if (group === undefined) {
      throw new Error(`The route ${name} belongs to no endpoint group: its tag is not in endpoint-groups.ts.`);
    }
    const access: RouteAccess = config.open === true ? 'open' : config.user === true ? 'user' : 'permission';
    if (!group.access.includes(access)) {
      throw new Error(`The route ${name} is ${access}, which the endpoint group ${group.name} does not have.`);
    }
    route.config = { ...config, group };
  });
  app.addHook('onSend', async (request, reply) => {
    if (reply.hasHeader('Cache-Control')) return;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const keepable = isRead && reply.statusCode < 300;
    reply.header('Cache-Control', keepable ? groupOf(request).cache : 'no-store');
  });
}

/** The endpoint group that a request belongs to. */
export const groupOf = (request: AnyRequest) => request.routeOptions.config?.group ?? elsewhere;

/** Whether a request counts for rates and quotas. */
export const isCounted = (request: AnyRequest): boolean => counts(groupOf(request), request.method);
