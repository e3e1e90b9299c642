import { type Static, Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { anyObject, nullable, strict } from '../json-types.ts';

const filter = (description: string, maxLength = 400) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description }));

/** What `GET /v1/admin/audit` can be asked. */
export const auditQuery = Type.Object(
  {
    actor: filter('Done by the principal with this id: a user, or an API key.'),
    action: filter('Whose action begins so: `user.`, `pool.created` …'),
    resource_type: filter('On a thing of this type: `vm`, `pool`, `user` …'),
    resource_id: filter('On the thing with this id.'),
    result: filter('With this result: `succeeded`, `accepted`, or a code such as `PERMISSION_DENIED`.'),
    address: filter('From this IP address.'),
    request_id: filter('In the request with this id.'),
    since: Type.Optional(Type.String({ maxLength: 64, description: 'At this time or later (RFC 3339).' })),
    until: Type.Optional(Type.String({ maxLength: 64, description: 'Before this time (RFC 3339).' })),
    ...pageQuery(500).properties,
  },
  strict,
);

/** What `GET /v1/admin/audit/export` can be asked. */
export const auditExportQuery = Type.Object(
  {
    from: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'The first entry; default: the oldest.',
      }),
    ),
    to: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'The last entry; default: the newest.',
      }),
    ),
  },
  strict,
);

/** An entry of the audit log. */
export const auditEntry = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    seq: nullable(Type.Integer({ description: 'Its place in the chain; null for the moment before it is sealed.' })),
    at: Type.String({ format: 'date-time' }),
    action: Type.String({
      description: '`<type>.<what was done>`, `request.<operationId>`, or `operation.` and how it ended.',
    }),
    result: Type.String({ description: '`succeeded`, `accepted`, or the code of the refusal.' }),
    actor: Type.Object(
      { id: Type.String(), kind: Type.String(), name: Type.String() },
      {
        description:
          '`kind` is `user`, `api_key`, `service` (Berth itself), `anonymous`, or `unknown` (removed, and nothing else of it in the log).',
      },
    ),
    resource: Type.Object({ type: Type.String(), id: Type.String(), name: Type.String() }),
    client_address: Type.String(),
    user_agent: Type.String(),
    request_id: Type.String(),
    trace_id: Type.String(),
    before: nullable(anyObject({ description: 'How it was, without secrets.' })),
    after: nullable(anyObject({ description: 'How it is since, without secrets.' })),
    details: anyObject({
      description: 'More about it; for `request.…` the method, path, status and body without secrets.',
    }),
    hash: nullable(
      Type.String({ description: 'SHA-256 over the entry and the hash before it; null until it is sealed.' }),
    ),
  },
  {
    $id: 'AuditEntry',
    description: 'Who did what, on what, from where, and what came of it.',
    examples: [
      {
        id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
        seq: 1042,
        at: '2026-01-01T12:00:00.000Z',
        action: 'pool.changed',
        result: 'succeeded',
        actor: { id: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11', kind: 'api_key', name: 'deploy' },
        resource: { type: 'pool', id: 'ip-pools/web', name: 'web' },
        client_address: '192.0.2.7',
        user_agent: 'curl/8.5.0',
        request_id: '4bf92f3577b34da6a3ce929d0e0e4736',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
        before: { state: 'active', version: 1 },
        after: { state: 'draining', version: 2 },
        details: {},
        hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      },
    ],
  },
);
export type AuditEntryDocument = Static<typeof auditEntry>;

const nextCursor = Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Null on the last page.' });

/** A page of entries. */
export const auditPage = Type.Object(
  { items: Type.Array(Type.Unsafe<AuditEntryDocument>({ $ref: 'AuditEntry#' })), next_cursor: nextCursor },
  {
    $id: 'AuditPage',
    description: 'A page of the audit log, the newest first.',
    examples: [{ items: [], next_cursor: null }],
  },
);

const head = Type.Object({
  kind: Type.Enum(['head', 'anchor', 'rotation'], {
    description:
      '`anchor`: entries up to this one were dropped, because their time had passed. `rotation`: another key signs from here on, which this one vouches for.',
  }),
  seq: Type.Integer({ description: 'The entry that it speaks of.' }),
  hash: Type.String({ description: 'That entry’s hash.' }),
  at: Type.String({ format: 'date-time' }),
  key_id: Type.String(),
  new_key_id: Type.Optional(Type.String({ description: 'Of a rotation.' })),
  new_public_key: Type.Optional(Type.String({ description: 'Of a rotation: PEM.' })),
  signature: Type.String({ description: 'Ed25519, base64, over all the rest as canonical JSON.' }),
});

/** A key that signs heads, or did. */
export const auditKey = Type.Object(
  {
    id: Type.String({ description: 'The first half of the SHA-256 of the public key (DER), in hexadecimal.' }),
    public_key: Type.String({ description: 'PEM.' }),
    created_at: Type.String({ format: 'date-time' }),
    signing: Type.Boolean({ description: 'Heads are signed with it now.' }),
  },
  {
    $id: 'AuditKey',
    description: 'A key of the audit log, without its secret part.',
    examples: [
      {
        id: '6ab14d9be9b6f0d2b4d0f1c2b7a90e3d',
        public_key: '-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n',
        created_at: '2026-01-01T12:00:00.000Z',
        signing: true,
      },
    ],
  },
);
export type AuditKeyDocument = Static<typeof auditKey>;

/** A page of signed heads, and the keys that check them. */
export const auditHeads = Type.Object(
  {
    items: Type.Array(head),
    keys: Type.Array(Type.Unsafe<AuditKeyDocument>({ $ref: 'AuditKey#' }), {
      description: 'Every key that signs heads or did, the oldest first.',
    }),
    next_cursor: nextCursor,
  },
  {
    $id: 'AuditHeads',
    description: 'Signed heads of the audit log, the newest first.',
    examples: [{ items: [], keys: [], next_cursor: null }],
  },
);
