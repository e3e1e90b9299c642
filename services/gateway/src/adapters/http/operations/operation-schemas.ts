import type { Problem } from '@berth/errors';
import { type Static, Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { anyObject, nullable, strict } from '../json-types.ts';

const stage = Type.Object({
  stage: Type.Enum(
    ['accepted', 'waiting', 'values_reserved', 'queued', 'in_commit', 'applied', 'saved', 'failed', 'cancelled'],
    {
      description:
        '`waiting`: behind other operations on the same VM. `queued`: for the router. `in_commit`: a commit that carries it was sent, the last one where there were several. `saved`: by then at the latest.',
    },
  ),
  at: Type.String({ format: 'date-time' }),
  behind: Type.Optional(Type.Integer({ minimum: 1, description: '`waiting`: how many operations are before it.' })),
  commit_id: Type.Optional(Type.String({ description: '`in_commit`: the commit.' })),
});
export type StageDocument = Static<typeof stage>;

/** What `GET /v1/operations` can be asked. */
export const listOperationsQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Array(Type.Enum(['pending', 'running', 'succeeded', 'failed', 'cancelled']), {
        maxItems: 5,
        description: 'In one of these states; with commas or repeated.',
      }),
    ),
    kind: Type.Optional(
      Type.Array(
        Type.Enum(['provision_vm', 'change_ports', 'change_forwards', 'update_vm', 'decommission_vm', 'adopt_vm']),
        {
          maxItems: 6,
          description: 'Of one of these kinds; with commas or repeated.',
        },
      ),
    ),
    vm: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        description: 'On the VM with this id, or on VMs that bore this name when it was accepted.',
      }),
    ),
    since: Type.Optional(Type.String({ maxLength: 64, description: 'Accepted at this time or later (RFC 3339).' })),
    ...pageQuery(1_000).properties,
  },
  strict,
);

/** An operation, as `GET /v1/operations/{id}` and every 202 show it. */
export const operationDocument = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    kind: Type.Enum([
      'provision_vm',
      'change_ports',
      'change_forwards',
      'update_vm',
      'decommission_vm',
      'adopt_vm',
      'restore_vm',
      'bulk',
    ]),
    state: Type.Enum(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
    resource: Type.Object({ type: Type.Enum(['vm', 'bulk']), id: Type.String(), name: Type.String() }),
    result: nullable(
      anyObject({ description: 'What the request would have been answered with; null unless it succeeded.' }),
    ),
    error: nullable(Type.Unsafe<Problem>({ $ref: 'Problem#' })),
    reason: nullable(Type.String({ description: 'Why it was cancelled; null otherwise.' })),
    stages: Type.Array(stage, { description: 'What it has come through so far, in order.' }),
    progress: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      minimum: 0,
      maximum: 1,
      description:
        'How much of its time has gone, as far as can be known; of a bulk, how many of its items have ended. Null when nobody knows, as while the router is away, and when it was cancelled.',
    }),
    position: Type.Optional(
      Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        minimum: 1,
        description:
          'Its place in the router’s queue; groups take turns there. Null when it does not wait there. Absent in lists, which do not ask for it.',
      }),
    ),
    eta_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'In how many seconds it should end. Absent when it has ended, or when that cannot be known.',
      }),
    ),
    cancelling: Type.Boolean({ description: 'Somebody asked to cancel it, and it is not decided yet.' }),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  {
    $id: 'Operation',
    description: 'What became, or will become, of an accepted request.',
    examples: [
      {
        id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
        kind: 'provision_vm',
        state: 'running',
        resource: { type: 'vm', id: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11', name: 'web-01' },
        result: null,
        error: null,
        reason: null,
        stages: [
          { stage: 'accepted', at: '2026-01-01T12:00:00.000Z' },
          { stage: 'values_reserved', at: '2026-01-01T12:00:00.000Z' },
          { stage: 'queued', at: '2026-01-01T12:00:00.020Z' },
        ],
        progress: 0.3,
        position: 17,
        eta_seconds: 8,
        cancelling: false,
        created_at: '2026-01-01T12:00:00.000Z',
        updated_at: '2026-01-01T12:00:00.000Z',
      },
    ],
  },
);
export type OperationDocument = Static<typeof operationDocument>;

/** A page of operations. */
export const operationPage = Type.Object(
  {
    items: Type.Array(Type.Unsafe<OperationDocument>({ $ref: 'Operation#' })),
    next_cursor: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Null on the last page.' }),
  },
  { $id: 'OperationPage', description: 'A page of operations.', examples: [{ items: [], next_cursor: null }] },
);
