import { HolderKind } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Static, Type } from 'typebox';
import type { PoolKind } from '../../../domain/pools/pool-terms.ts';
import { isUuid } from '../../../domain/vms/vm-name.ts';
import { poolMethods as method } from '../../nats/pool-service.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { pageQuery } from '../common-schemas.ts';
import { sendTagged } from '../entity-tag.ts';
import { strict } from '../json-types.ts';
import { responses } from '../problem-schemas.ts';
import { holderWords } from './allocation-schemas.ts';
import { reservationBodies } from './pool-bodies.ts';
import {
  asking,
  linkNext,
  notModified,
  type PoolDeps,
  pageAnswer,
  poolParams,
  reading,
  resourceOf,
  taggedHeaders,
  writing,
} from './pool-requests.ts';
import { canonicalPlaces, described, type PoolPlace } from './pools-place.ts';
import { showAllocation, showReservation } from './show-allocation.ts';
import { toReservation } from './to-reservation.ts';

const holders: Record<(typeof holderWords)[number], HolderKind> = {
  vm: HolderKind.VM,
  reservation: HolderKind.RESERVATION,
  plan: HolderKind.PLAN,
  quarantine: HolderKind.QUARANTINE,
  foreign: HolderKind.FOREIGN,
};
const paging = pageQuery(1_000);
const allocationQuery = Type.Object(
  {
    ...paging.properties,
    holder: Type.Optional(
      Type.Array(Type.Enum([...holderWords]), {
        maxItems: 10,
        description: 'Only what is held in these ways. Repeated, or with commas between.',
      }),
    ),
  },
  strict,
);
const reservationParams = Type.Object({
  ...poolParams.properties,
  reservation_id: Type.String({ description: 'The reservation’s id.' }),
});
const page = { 200: pageAnswer('AllocationPage', 'A page of what is held.'), ...notModified };

/** Who holds what of pools, and values kept by hand. */
export function reservationRoutes(app: App, deps: PoolDeps): void {
  for (const place of canonicalPlaces) {
    allocationsRoute(app, deps, place);
    reservationsRoute(app, deps, place);
    reserveRoute(app, deps, place);
    releaseRoute(app, deps, place);
  }
}

function allocationsRoute(app: App, deps: PoolDeps, place: PoolPlace): void {
  const schema = {
    ...described(place, 'list{}Allocations', 'List what is held of a {}'),
    description: 'In the order of the values, 500 at a time unless `limit` says otherwise.',
    headers: taggedHeaders,
    params: poolParams,
    querystring: allocationQuery,
    response: responses(page, 404, 422),
  };
  app.get(`${place.path}/:pool/allocations`, { schema, config: reading }, (request, reply) => {
    const { holder = [], ...wanted } = request.query;
    const question = { pool: resourceOf(place.kind, request.params), ...wanted };
    return sendAllocations(deps, request, reply, {
      ...question,
      holders: holder.map((one) => holders[one]),
    });
  });
}

function reservationsRoute(app: App, deps: PoolDeps, place: PoolPlace): void {
  const schema = {
    ...described(place, 'list{}Reservations', 'List what is reserved of a {}'),
    headers: taggedHeaders,
    params: poolParams,
    querystring: paging,
    response: responses(page, 404, 422),
  };
  app.get(`${place.path}/:pool/reservations`, { schema, config: reading }, (request, reply) => {
    const question = { pool: resourceOf(place.kind, request.params), ...request.query };
    return sendAllocations(deps, request, reply, { ...question, holders: [HolderKind.RESERVATION] });
  });
}

async function sendAllocations(
  deps: PoolDeps,
  request: AnyRequest,
  reply: AnyReply,
  { pool, holders, limit = 0, cursor = '' }: { pool: string; holders: HolderKind[]; limit?: number; cursor?: string },
): Promise<unknown> {
  const question = { pool, holders, pageSize: limit, pageToken: cursor };
  const { allocations, nextPageToken } = await asking(deps, request).read(method.listAllocations, question);
  linkNext(request, reply, nextPageToken);
  return sendTagged(request, reply, { items: allocations.map(showAllocation), next_cursor: nextPageToken || null });
}

function reserveRoute(app: App, deps: PoolDeps, place: PoolPlace): void {
  const { kind } = place;
  const location = { Location: { type: 'string', description: 'Where it is given back with DELETE.' } };
  const schema = {
    ...described(place, 'reserveOf{}', 'Reserve values of a {}'),
    description: 'They are handed out to no VM until they are given back or their time is over.',
    headers: keyedHeaders,
    params: poolParams,
    body: reservationBodies[kind],
    response: responses(
      {
        201: {
          description: 'The values are kept.',
          headers: location,
          content: { 'application/json': { schema: { $ref: 'Reservation#' } } },
        },
      },
      ...([400, 404, 409, 413, 415, 422, 504, 507] as const),
    ),
  };
  app.post(`${place.path}/:pool/reservations`, { schema, config: writing }, async (request, reply) => {
    const pool = resourceOf(kind, request.params);
    const wanted = toReservation(request.body as Static<(typeof reservationBodies)[PoolKind]>); // by the kind's schema
    const made = await asking(deps, request).change(method.reserve, { ...wanted, pool });
    const url = `/v1/pools/${pool}/reservations/${made.id}`;
    return reply.code(201).header('Location', url).send(showReservation(made));
  });
}

function releaseRoute(app: App, deps: PoolDeps, place: PoolPlace): void {
  const schema = {
    ...described(place, 'releaseOf{}', 'Give reserved values of a {} back'),
    headers: keyedHeaders,
    params: reservationParams,
    response: responses({ 204: { description: 'The values are free.', type: 'null' } }, 404, 422, 504),
  };
  const url = `${place.path}/:pool/reservations/:reservation_id`;
  app.delete(url, { schema, config: writing }, async (request, reply) => {
    const pool = resourceOf(place.kind, request.params);
    const reservationId = reservationIdOf(request.params);
    await asking(deps, request).change(method.release, { pool, reservationId });
    return reply.code(204).send();
  });
}

/** A reservation that no id can be is as unknown as any other. */
function reservationIdOf({ reservation_id: id }: { readonly reservation_id: string }): string {
  if (isUuid(id)) return id.toLowerCase();
  throw new DomainError('not_found', 'RESERVATION_NOT_FOUND', 'There is no such reservation.');
}
