import type { FastifySchema } from 'fastify';
import { poolMethods as method } from '../../nats/pool-service.ts';
import { ifVersionOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { emptyBody } from '../common-schemas.ts';
import { responses } from '../problem-schemas.ts';
import { poolChangeBodies } from './pool-bodies.ts';
import {
  asking,
  changeHeaders,
  isRehearsal,
  type PoolDeps,
  poolParams,
  rehearsalQuery,
  resourceOf,
  sendPool,
  taggedPool,
  writing,
} from './pool-requests.ts';
import { poolDocumentIds } from './pool-schemas.ts';
import { described, type PoolPlace } from './pools-place.ts';
import { toPoolChanges } from './to-pool.ts';
import type { PoolBody } from './to-pool-values.ts';

/** Changes of a pool. Clients from before send PUT and mean the same. */
export function changePoolRoutes(app: App, deps: PoolDeps, place: PoolPlace): void {
  const { kind, path, canonicalPath, isAlias } = place;
  for (const verb of isAlias ? (['PATCH', 'PUT'] as const) : (['PATCH'] as const)) {
    const schema = {
      ...described(place, verb === 'PATCH' ? 'update{}' : 'replace{}', 'Change a {}'),
      description: 'What is not given stays. What VMs or reservations hold cannot be taken out of the pool.',
      headers: changeHeaders,
      params: poolParams,
      querystring: rehearsalQuery,
      body: poolChangeBodies[kind],
      response: responses(
        { 200: taggedPool(poolDocumentIds[kind], 'The pool as it is now.') },
        ...([400, 404, 409, 412, 413, 415, 422, 504] as const),
      ),
    } satisfies FastifySchema;
    app.route({
      method: verb,
      url: `${path}/:pool`,
      schema,
      config: { ...writing, canonicalPath: `${canonicalPath}/:pool` },
      handler: async (request, reply) => {
        const name = resourceOf(kind, request.params);
        const changes = toPoolChanges(kind, name, request.body as PoolBody[typeof kind]); // by the kind's schema
        const message = { ...changes, ifVersion: ifVersionOf(request) };
        const { rehearse, change } = asking(deps, request);
        if (!isRehearsal(request.query)) return sendPool(reply, await change(method.updatePool, message));
        return sendPool(reply, await rehearse(method.updatePool, { ...message, validateOnly: true }));
      },
    });
  }
}

/** Removes a pool of which nothing is held or reserved. */
export function deletePoolRoute(app: App, deps: PoolDeps, place: PoolPlace): void {
  const schema = {
    ...described(place, 'delete{}', 'Remove a {}'),
    description: 'Only one of which nothing is held or reserved.',
    headers: changeHeaders,
    params: poolParams,
    response: responses({ 204: { description: 'It is gone.', type: 'null' } }, ...([404, 409, 412, 422, 504] as const)),
  };
  const config = { ...writing, canonicalPath: `${place.canonicalPath}/:pool` };
  app.delete(`${place.path}/:pool`, { schema, config }, async (request, reply) => {
    const name = resourceOf(place.kind, request.params);
    await asking(deps, request).change(method.deletePool, { name, ifVersion: ifVersionOf(request) });
    return reply.code(204).send();
  });
}

/** Lets a pool hand out nothing, and values again. */
export function drainRoutes(app: App, deps: PoolDeps, place: PoolPlace): void {
  const { kind, path } = place;
  const common = {
    headers: keyedHeaders,
    params: poolParams,
    body: emptyBody,
    response: responses(
      { 200: taggedPool(poolDocumentIds[kind], 'The pool as it is now.') },
      ...([400, 404, 413, 415, 422, 504] as const),
    ),
  };
  const config = { ...writing, bodyOptional: true } as const;
  const drain = {
    ...described(place, 'drain{}', 'Drain a {}'),
    description: 'It hands out nothing from now on; what is held stays. Repeatable.',
    ...common,
  };
  app.post(`${path}/:pool/drain`, { schema: drain, config }, async (request, reply) => {
    const name = resourceOf(kind, request.params);
    return sendPool(reply, await asking(deps, request).change(method.drainPool, { name }));
  });
  const undrain = {
    ...described(place, 'undrain{}', 'Let a {} hand out values again'),
    description: 'Repeatable.',
    ...common,
  };
  app.post(`${path}/:pool/undrain`, { schema: undrain, config }, async (request, reply) => {
    const name = resourceOf(kind, request.params);
    return sendPool(reply, await asking(deps, request).change(method.undrainPool, { name }));
  });
}
