import { type Static, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';
import { label, portBounds, ruleBounds } from './pool-bodies.ts';
import { pageOf } from './pool-schemas.ts';

/** An address as text, a port or a rule number as a number. */
const value = Type.Union([Type.String(), Type.Integer()], {
  description: 'An address, or a port or rule number.',
});
const protocol = Type.Enum(['tcp', 'udp']);
const moment = Type.String({ format: 'date-time' });

/** Who can hold a value. */
export const holderWords = ['vm', 'reservation', 'plan', 'quarantine', 'foreign'] as const;

const exampleAllocation = {
  pool: 'ip-pools/edge',
  first: '10.10.2.20',
  last: '10.10.2.20',
  protocol: null,
  external_ip: null,
  holder: 'vm',
  vm_id: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11',
  vm_name: 'web-01',
  forward: null,
  owner_group: null,
  reservation_id: null,
  note: null,
  until: null,
};

export const allocation = Type.Object(
  {
    pool: nullable(Type.String({ description: 'null: of none; a caller asked for it by range.' })),
    first: value,
    last: value,
    protocol: nullable(Type.Enum(['tcp', 'udp'], { description: 'Of ports.' })),
    external_ip: nullable(Type.String({ description: 'Of ports.' })),
    holder: Type.Enum([...holderWords], {
      description: '`quarantine`: nobody any more; it rests. `foreign`: others, on the router.',
    }),
    vm_id: nullable(Type.String()),
    vm_name: nullable(Type.String({ description: 'In quarantine the last holder’s.' })),
    forward: nullable(Type.String({ description: 'The forward that it is for.' })),
    owner_group: nullable(Type.String()),
    reservation_id: nullable(Type.String()),
    note: nullable(Type.String({ description: 'The reservation’s; of others, where it stands on the router.' })),
    until: nullable(Type.String({ format: 'date-time', description: 'When it rests no longer, or is given back.' })),
  },
  {
    $id: 'Allocation',
    description: 'A value, or a run of neighbours, with its holder.',
    examples: [exampleAllocation],
  },
);
export type AllocationDocument = Static<typeof allocation>;

export const allocationPage = pageOf(Type.Unsafe<AllocationDocument>({ $ref: 'Allocation#' }), {
  $id: 'AllocationPage',
  description: 'What is held of a pool, in the order of the values.',
  examples: [{ items: [exampleAllocation], next_cursor: null }],
});

export const reservation = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    pool: Type.String({ description: 'Kind and name: `ip-pools/edge`.' }),
    first: value,
    last: value,
    protocols: Type.Array(protocol, { description: 'Of ports.' }),
    note: Type.String(),
    expires_at: nullable(Type.String({ format: 'date-time', description: 'It ends by itself then.' })),
    created_by: Type.String(),
    created_at: moment,
  },
  {
    $id: 'Reservation',
    description: 'Values kept by hand: handed out to no VM.',
    examples: [
      {
        id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
        pool: 'ip-pools/edge',
        first: '10.10.2.20',
        last: '10.10.2.29',
        protocols: [],
        note: 'printers',
        expires_at: null,
        created_by: 'ci',
        created_at: '2026-01-01T12:00:00.000Z',
      },
    ],
  },
);
export type ReservationDocument = Static<typeof reservation>;

export const explainedValue = Type.Object(
  {
    pool: nullable(Type.String({ description: 'The pool that it is of; null: of none.' })),
    free: Type.Boolean({ description: 'Nobody holds it.' }),
    available: Type.Boolean({ description: 'It can be handed out.' }),
    holders: Type.Array(Type.Unsafe<AllocationDocument>({ $ref: 'Allocation#' })),
    reason: Type.String({ description: 'A sentence for people.' }),
  },
  {
    $id: 'ExplainedValue',
    description: 'Who holds a value, or why nobody can have it.',
    examples: [
      {
        pool: 'ip-pools/edge',
        free: false,
        available: false,
        holders: [exampleAllocation],
        reason: 'The VM web-01 holds it.',
      },
    ],
  },
);
export type ExplainedValueDocument = Static<typeof explainedValue>;

/** Which value to explain: exactly one of address, port and rule_number. */
export const explainQuery = Type.Object(
  {
    address: Type.Optional(Type.String({ maxLength: 45, description: 'An address of the inside.' })),
    port: Type.Optional(Type.Integer({ ...portBounds, description: 'An external port.' })),
    rule_number: Type.Optional(Type.Integer({ ...ruleBounds, description: 'A destination NAT rule number.' })),
    router: Type.Optional(Type.String({ ...label, description: 'Default: the default router.' })),
    external_ip: Type.Optional(
      Type.String({ maxLength: 45, description: 'Of a port: the router’s address. Default: the router’s.' }),
    ),
  },
  strict,
);
