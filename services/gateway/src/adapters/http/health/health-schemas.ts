import { Type } from 'typebox';
import { mapOf } from '../json-types.ts';

export const rootDocument = Type.Object(
  { message: Type.String() },
  { $id: 'Root', description: 'It runs.', examples: [{ message: 'Berth is running.' }] },
);

export const healthDocument = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded', 'down']),
    db: Type.Enum(['ok', 'down']),
    bus: Type.Enum(['ok', 'down']),
    vyos: mapOf(Type.Enum(['ok', 'unreachable', 'breaker_open', 'unknown', 'blocked', 'disabled'])),
  },
  {
    $id: 'Health',
    description: 'How the parts and the routers stand.',
    examples: [{ status: 'degraded', db: 'ok', bus: 'ok', vyos: { default: 'breaker_open' } }],
  },
);
