import { type Static, Type } from 'typebox';
import { nullable, strict } from './json-types.ts';

const permission = Type.Enum(['admin', 'operator', 'viewer'], {
  description: '`viewer` reads, `operator` also changes VMs and forwards, `admin` does everything.',
});
const name = Type.String({ maxLength: 100, description: 'For people.' });
const description = Type.String({ maxLength: 1_000, description: 'For people.' });
const isAdmin = Type.Boolean({ description: 'true is the same as the permission `admin`.' });
const expiresAt = Type.String({ format: 'date-time', maxLength: 40, description: 'When it ends. Default: never.' });

export const createApiKeyBody = Type.Object(
  {
    name: Type.Optional(name),
    description: Type.Optional(description),
    permission: Type.Optional(permission),
    is_admin: Type.Optional(isAdmin),
    expires_at: Type.Optional(nullable(expiresAt)),
    expires_in_days: Type.Optional(
      nullable(Type.Integer({ minimum: 1, maximum: 36_500, description: 'Another way of giving `expires_at`.' })),
    ),
  },
  { ...strict, examples: [{ name: 'ci', permission: 'operator', expires_in_days: 90 }] },
);

export const updateApiKeyBody = Type.Object(
  {
    name: Type.Optional(name),
    description: Type.Optional(description),
    permission: Type.Optional(permission),
    is_admin: Type.Optional(isAdmin),
    expires_at: Type.Optional(nullable(expiresAt)),
  },
  {
    ...strict,
    minProperties: 1,
    description: 'What is not given stays; `expires_at: null` lets it never end.',
    examples: [{ name: 'ci-old', permission: 'viewer' }],
  },
);

export const rotateApiKeyBody = Type.Object(
  {
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000,
        description: 'For how long the old secret works on. Default 3600; 0: not at all.',
      }),
    ),
  },
  { ...strict, examples: [{ overlap_seconds: 600 }] },
);

const shown = {
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  description: Type.String(),
  prefix: Type.String({ description: 'The key’s beginning, by which people recognise it.' }),
  permission,
  is_admin: Type.Boolean(),
  created_at: Type.String({ format: 'date-time' }),
  expires_at: nullable(Type.String({ format: 'date-time' })),
  last_used_at: nullable(Type.String({ format: 'date-time', description: 'To the minute; null: never.' })),
  previous_expires_at: nullable(
    Type.String({ format: 'date-time', description: 'Until when the secret before the last rotation works.' }),
  ),
};
const example = {
  id: '8f14e45f-ceea-4e7a-9c3f-0a9c1d2b3e4f',
  name: 'ci',
  description: '',
  prefix: 'berth_3Fq9',
  permission: 'operator',
  is_admin: false,
  created_at: '2026-01-01T12:00:00.000Z',
  expires_at: '2026-04-01T12:00:00.000Z',
  last_used_at: null,
  previous_expires_at: null,
};

export const apiKeyDocument = Type.Object(shown, {
  $id: 'ApiKey',
  description: 'An API key without its secret.',
  examples: [example],
});
export type ApiKeyDocument = Static<typeof apiKeyDocument>;

export const newApiKey = Type.Object(
  {
    ...shown,
    api_key: Type.Optional(
      Type.String({ description: 'The secret, this once. Absent in the replay of an Idempotency-Key.' }),
    ),
  },
  {
    $id: 'NewApiKey',
    description: 'An API key with its secret.',
    examples: [{ ...example, api_key: 'berth_3Fq9XXXXXXXXXXXXXXXXXXXXXXXXXXXX' }],
  },
);
export type NewApiKey = Static<typeof newApiKey>;

export const apiKeyPage = Type.Object(
  {
    items: Type.Array(Type.Unsafe<ApiKeyDocument>({ $ref: 'ApiKey#' })),
    next_cursor: nullable(Type.String({ description: 'null on the last page.' })),
  },
  {
    $id: 'ApiKeyPage',
    description: 'Keys in the order they were made.',
    examples: [{ items: [example], next_cursor: null }],
  },
);

export const apiKeyParams = Type.Object({ id: Type.String({ description: 'The key’s id.' }) });
