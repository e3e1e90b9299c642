import { type Static, Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { nullable, strict } from '../json-types.ts';

const permission = Type.Enum(['admin', 'operator', 'viewer'], {
  description: '`viewer` reads, `operator` also changes VMs and forwards, `admin` does everything.',
});
const permissions = Type.Array(Type.String({ maxLength: 60, examples: ['vms:read', 'vms:*', '*'] }), {
  minItems: 1,
  maxItems: 50,
  description: 'Verbs on resources, instead of `permission`. Nobody can give more than is permitted to whoever asks.',
  examples: [['vms:read', 'vms:write']],
});
const group = Type.String({
  minLength: 1,
  maxLength: 100,
  description:
    'It works with the things of this group alone, and what it makes belongs to the group. Default: no limit.',
});
const allowedNetworks = Type.Array(Type.String({ maxLength: 50, examples: ['192.0.2.0/24', '2001:db8::/32'] }), {
  maxItems: 50,
  description: 'From where it may be used: networks or addresses. Default, and with none: from everywhere.',
});
const name = Type.String({ maxLength: 100, description: 'For people.' });
const description = Type.String({ maxLength: 1_000, description: 'For people.' });
const shownPermission = Type.Enum(['admin', 'operator', 'viewer', 'custom', 'owner'], {
  description: '`custom`: what `permissions` lists. `owner`: whatever the user may whose key it is. Otherwise a level.',
});
const isAdmin = Type.Boolean({ description: 'true is the same as the permission `admin`.' });
const expiresAt = Type.String({ format: 'date-time', maxLength: 40, description: 'When it ends. Default: never.' });

const newTerms = {
  name: Type.Optional(name),
  description: Type.Optional(description),
  permissions: Type.Optional(permissions),
  group: Type.Optional(nullable(group)),
  allowed_networks: Type.Optional(allowedNetworks),
  expires_at: Type.Optional(nullable(expiresAt)),
  expires_in_days: Type.Optional(
    nullable(Type.Integer({ minimum: 1, maximum: 36_500, description: 'Another way of giving `expires_at`.' })),
  ),
};

export const createApiKeyBody = Type.Object(
  { ...newTerms, permission: Type.Optional(permission), is_admin: Type.Optional(isAdmin) },
  { ...strict, examples: [{ name: 'ci', permission: 'operator', expires_in_days: 90 }] },
);

/** Users' own keys: by default they may whatever their owner may. */
export const createOwnKeyBody = Type.Object(
  { ...newTerms, permission: Type.Optional(shownPermission) },
  { ...strict, examples: [{ name: 'laptop', permissions: ['vms:read'], allowed_networks: ['192.0.2.0/24'] }] },
);

const { expires_in_days: _, ...changeableTerms } = newTerms;

export const updateApiKeyBody = Type.Object(
  { ...changeableTerms, permission: Type.Optional(permission), is_admin: Type.Optional(isAdmin) },
  {
    ...strict,
    minProperties: 1,
    description: 'What is not given stays; `expires_at: null` lets it never end, `group: null` takes the limit away.',
    examples: [{ name: 'ci-old', permission: 'viewer' }],
  },
);

export const updateOwnKeyBody = Type.Object(
  { ...changeableTerms, permission: Type.Optional(shownPermission) },
  {
    ...strict,
    minProperties: 1,
    description: 'What is not given stays; `expires_at: null` lets it never end, `group: null` takes the limit away.',
    examples: [{ name: 'old laptop', permissions: ['vms:read'] }],
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
  permission: shownPermission,
  permissions: Type.Array(Type.String(), {
    description: 'What the permission stands for. The key of a user gives no more than its owner may at that moment.',
  }),
  is_admin: Type.Boolean(),
  user_id: nullable(Type.String({ description: 'Whose key it is; null: nobody’s.' })),
  group: nullable(Type.String()),
  allowed_networks: Type.Array(Type.String(), { description: 'None: from everywhere.' }),
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
  permissions: ['vms:read', 'pools:read', 'operations:read', 'routers:read', 'vms:write'],
  is_admin: false,
  user_id: null,
  group: null,
  allowed_networks: [],
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
      Type.String({
        description:
          'The secret, this once. Absent in the replay of an Idempotency-Key, and when a first answer was lost between Berth’s services: rotate the key then.',
      }),
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

/** Which keys a list has. */
export const keysQuery = Type.Object(
  {
    ...pageQuery(500).properties,
    user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Those of this user alone.' })),
  },
  strict,
);
