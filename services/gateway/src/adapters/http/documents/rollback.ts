import { Type } from 'typebox';
import { strict } from './json-types.ts';

const reduce = Type.Optional(
  Type.Boolean({
    description: 'VMs that cannot be what they were are left out, and listed in `refused`; else nothing is planned.',
  }),
);
const expiresInSeconds = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 3_600, description: 'For how long the plan holds its values.' }),
);

/** Where to go back to. */
export const rollbackBody = Type.Object(
  {
    to: Type.Union([Type.Integer({ minimum: 1 }), Type.String({ minLength: 1, maxLength: 64 })], {
      description: 'An entry of the router’s history: its number or id, or the newest at a time (RFC 3339).',
    }),
    reduce,
    expires_in_seconds: expiresInSeconds,
  },
  { ...strict, examples: [{ to: 17 }, { to: '2026-01-01T12:00:00Z', reduce: true }] },
);
