import { type Static, Type } from 'typebox';
import type { PoolKind } from '../../../domain/pools/pool-terms.ts';
import { poolMethods as method } from '../../nats/pool-service.ts';
import type { App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { pageQuery } from '../common-schemas.ts';
import { sendTagged } from '../entity-tag.ts';
import { strict } from '../json-types.ts';
import { responses } from '../problem-schemas.ts';
import { label, newPoolBodies } from './pool-bodies.ts';
import {
  asking,
  isRehearsal,
  linkNext,
  locationOf,
  notModified,
  type PoolDeps,
  pageAnswer,
  poolParams,
  reading,
  rehearsalQuery,
  resourceOf,
  sendPool,
  sendPoolUnlessKnown,
  taggedHeaders,
  taggedPool,
  tags,
  writing,
} from './pool-requests.ts';
import { poolDocumentIds } from './pool-schemas.ts';
import { changePoolRoutes, deletePoolRoute, drainRoutes } from './pools-change.ts';
import { aliasPlaces, canonicalPlaces, described, type PoolPlace } from './pools-place.ts';
import { showPool } from './show-pool.ts';
import { toNewPool } from './to-pool.ts';

const listQuery = Type.Object(
  {
    ...pageQuery(1_000).properties,
    router: Type.Optional(Type.String({ ...label, description: 'Only of this router.' })),
    group: Type.Optional(
      Type.String({ ...label, description: 'Only those that VMs of this group may have values from.' }),
    ),
  },
  strict,
);

/** Pools of all kinds: listed, made, read, changed, drained and removed. */
export function poolRoutes(app: App, deps: PoolDeps): void {
  listRoute(app, deps, undefined);
  for (const place of [...canonicalPlaces, ...aliasPlaces]) {
    listRoute(app, deps, place);
    createRoute(app, deps, place);
    getRoute(app, deps, place);
    changePoolRoutes(app, deps, place);
    deletePoolRoute(app, deps, place);
  }
  for (const place of canonicalPlaces) drainRoutes(app, deps, place);
}

function listRoute(app: App, deps: PoolDeps, place: PoolPlace | undefined): void {
  const schema = {
    ...(place
      ? described(place, 'list{}s', 'List {}s')
      : { operationId: 'listPools', summary: 'List all pools', tags }),
    description: 'In the order of their names, 100 at a time unless `limit` says otherwise.',
    headers: taggedHeaders,
    querystring: listQuery,
    response: responses({ 200: pageAnswer('PoolPage', 'A page of pools.'), ...notModified }, 422),
  };
  app.get(place?.path ?? '/v1/pools', { schema, config: reading }, async (request, reply) => {
    const { limit = 0, cursor = '', router = '', group = '' } = request.query;
    const question = { pageSize: limit, pageToken: cursor, kind: place?.kind ?? '', router, group };
    const { pools, nextPageToken } = await asking(deps, request).read(method.listPools, question);
    linkNext(request, reply, nextPageToken);
    return sendTagged(request, reply, { items: pools.map(showPool), next_cursor: nextPageToken || null });
  });
}

function createRoute(app: App, deps: PoolDeps, place: PoolPlace): void {
  const { kind, path, canonicalPath } = place;
  const id = poolDocumentIds[kind];
  const location = { Location: { type: 'string', description: 'Where the pool is.' } };
  const schema = {
    ...described(place, 'create{}', 'Make a {}'),
    headers: keyedHeaders,
    querystring: rehearsalQuery,
    body: newPoolBodies[kind],
    response: responses(
      { 200: taggedPool(id, 'What would be made.'), 201: taggedPool(id, 'The pool.', location) },
      ...([400, 409, 413, 415, 422, 504] as const),
    ),
  };
  app.post(path, { schema, config: { ...writing, canonicalPath } }, async (request, reply) => {
    const pool = toNewPool(kind, request.body as Static<(typeof newPoolBodies)[PoolKind]>); // by the kind's schema
    const { rehearse, change } = asking(deps, request);
    if (isRehearsal(request.query)) {
      return sendPool(reply, await rehearse(method.createPool, { pool, validateOnly: true }));
    }
    const made = await change(method.createPool, { pool });
    return sendPool(reply.code(201).header('Location', locationOf(made)), made);
  });
}

function getRoute(app: App, deps: PoolDeps, place: PoolPlace): void {
  const schema = {
    ...described(place, 'get{}', 'Get a {}'),
    description: 'With how much of it is used, and what of it can never be handed out.',
    headers: taggedHeaders,
    params: poolParams,
    response: responses({ 200: taggedPool(poolDocumentIds[place.kind], 'The pool.'), ...notModified }, 404),
  };
  app.get(`${place.path}/:pool`, { schema, config: reading }, async (request, reply) => {
    const name = resourceOf(place.kind, request.params);
    return sendPoolUnlessKnown(request, reply, await asking(deps, request).read(method.getPool, { name }));
  });
}
