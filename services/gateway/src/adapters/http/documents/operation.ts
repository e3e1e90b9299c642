import type { Problem } from '@berth/errors';
import { type Static, Type } from 'typebox';
import { anyObject, nullable } from './json-types.ts';

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
      'bulk',
    ]),
    state: Type.Enum(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
    resource: Type.Object({ type: Type.Enum(['vm', 'bulk']), id: Type.String(), name: Type.String() }),
    result: nullable(
      anyObject({ description: 'What the request would have been answered with; null unless it succeeded.' }),
    ),
    error: nullable(Type.Unsafe<Problem>({ $ref: 'Problem#' })),
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
        created_at: '2026-01-01T12:00:00.000Z',
        updated_at: '2026-01-01T12:00:00.000Z',
      },
    ],
  },
);
export type OperationDocument = Static<typeof operationDocument>;
