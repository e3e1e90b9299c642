import { Type } from 'typebox';
import { anyObject, strict } from '../json-types.ts';

const reduce = Type.Optional(
  Type.Boolean({
    description: 'VMs that cannot be what they were are left out, and listed in `refused`; else nothing is planned.',
  }),
);
const inParts = Type.Optional(
  Type.Boolean({
    description: 'Only the first 100 of all VMs that would change are planned: apply it, and ask again for the next.',
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
    in_parts: inParts,
    expires_in_seconds: expiresInSeconds,
  },
  { ...strict, examples: [{ to: 17 }, { to: '2026-01-01T12:00:00Z', reduce: true }] },
);

/** The newest form of backups. */
export const backupFormat = 1;

const vms = Type.Array(
  anyObject({ description: 'A VM with all its values: see docs/backup.md. Fields are those of BackedUpVm.' }),
  { maxItems: 100_000 },
);

/** What Berth has on a router, with all that its books say of it. */
export const backupDocument = Type.Object(
  {
    format: Type.Literal(backupFormat, { description: 'The form of this document.' }),
    router: Type.String({ minLength: 1, maxLength: 100 }),
    taken_at: Type.String({ format: 'date-time', maxLength: 40 }),
    commit: Type.Union([Type.Object({ id: Type.String(), number: Type.Integer() }), Type.Null()], {
      description: 'The newest entry of the router’s history then.',
    }),
    vms,
  },
  {
    ...strict,
    $id: 'Backup',
    description: 'What Berth has on a router, with all that its books say of it.',
    examples: [
      {
        ...{ format: backupFormat, router: 'default', taken_at: '2026-01-01T12:00:00.000Z' },
        commit: { id: '0b6b2b53-4a3e-4d8e-9a51-7c2f4a1b9d10', number: 17 },
        vms: [],
      },
    ],
  },
);

/** What to restore. */
export const restoreBody = Type.Object(
  {
    backup: Type.Object(
      { ...backupDocument.properties, commit: Type.Optional(backupDocument.properties.commit) },
      strict,
    ),
    as_router: Type.Optional(
      Type.Boolean({ description: 'The backup is of a router of another name, and that is meant so.' }),
    ),
    reduce,
    in_parts: inParts,
    expires_in_seconds: expiresInSeconds,
  },
  strict,
);
