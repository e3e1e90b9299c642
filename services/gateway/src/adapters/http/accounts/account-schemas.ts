import { type Static, Type } from 'typebox';
import { mapOf, nullable, strict } from '../json-types.ts';

const name = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'By which the user signs in, and others know the user. Letters, digits, dots, underscores, hyphens.',
});
const email = Type.String({ minLength: 3, maxLength: 254, description: 'An address in ASCII.' });
const password = Type.String({ minLength: 1, maxLength: 1_000, description: 'What it has to be like is set up.' });
const currentPassword = Type.String({ minLength: 1, maxLength: 1_000, description: 'The present password.' });
const token = Type.String({ minLength: 1, maxLength: 100, description: 'As it stands in the mail.' });
const exampleToken = 'pPcMBw5Xg1Gk8Xw0bQv0m1n3c7E0y9kq2s4t6u8w0xY';

export const registerBody = Type.Object(
  { name, email, password },
  { ...strict, examples: [{ name: 'ada', email: 'ada@example.com', password: 'wet boots in the hallway' }] },
);

export const verifyEmailBody = Type.Object(
  { token, name: Type.Optional(Type.String({ ...name, description: 'Another name, when the wished one was taken.' })) },
  { ...strict, examples: [{ token: exampleToken }, { token: exampleToken, name: 'ada.lovelace' }] },
);

export const emailBody = Type.Object({ email }, { ...strict, examples: [{ email: 'ada@example.com' }] });

export const resetPasswordBody = Type.Object(
  { token, password },
  { ...strict, examples: [{ token: exampleToken, password: 'seven blue kettles sing' }] },
);

export const confirmEmailBody = Type.Object({ token }, { ...strict, examples: [{ token: exampleToken }] });

export const changePasswordBody = Type.Object(
  { current_password: currentPassword, new_password: password },
  {
    ...strict,
    examples: [{ current_password: 'wet boots in the hallway', new_password: 'seven blue kettles sing' }],
  },
);

export const changeEmailBody = Type.Object(
  { email, password: currentPassword },
  { ...strict, examples: [{ email: 'ada@example.org', password: 'wet boots in the hallway' }] },
);

export const deleteAccountBody = Type.Object(
  { password: currentPassword },
  { ...strict, examples: [{ password: 'wet boots in the hallway' }] },
);

const profileField = (description: string, maxLength: number) =>
  Type.Optional(nullable(Type.String({ maxLength, description })));
const publicFields = Type.Array(
  Type.Enum(['display_name', 'company', 'location', 'website', 'about', 'locale', 'timezone', 'email']),
  { maxItems: 20, description: 'What everybody who is signed in may see.' },
);

export const updateAccountBody = Type.Object(
  {
    name: Type.Optional(name),
    profile: Type.Optional(
      Type.Object(
        {
          display_name: profileField('For people.', 100),
          company: profileField('For people.', 100),
          location: profileField('For people.', 100),
          website: profileField('A URL with http or https.', 200),
          about: profileField('Some lines.', 2_000),
          locale: profileField('A language tag such as `en-GB`.', 35),
          timezone: profileField('A time zone such as `Europe/Vienna`.', 64),
        },
        { ...strict, description: 'What is not given stays; null takes a field away.' },
      ),
    ),
    public_fields: Type.Optional(publicFields),
  },
  {
    ...strict,
    minProperties: 1,
    description: 'What is not given stays.',
    examples: [{ profile: { display_name: 'Ada', company: null }, public_fields: ['display_name'] }],
  },
);
export type UpdateAccountBody = Static<typeof updateAccountBody>;

const time = Type.String({ format: 'date-time' });
const profile = mapOf(Type.String(), { description: 'The fields that have a value.' });

export const accountDocument = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    email: nullable(Type.String()),
    email_verified_at: nullable(
      Type.String({
        format: 'date-time',
        description: 'When the address was proved to be the user’s; null: it was not.',
      }),
    ),
    profile,
    public_fields: Type.Array(Type.String()),
    groups: Type.Array(Type.String(), { description: 'The home group, which owns what the user makes, first.' }),
    permissions: Type.Array(Type.String(), { description: 'All that the user may do with anything.' }),
    grants: Type.Array(
      Type.Object({
        group: nullable(Type.String({ description: 'With whose things; null: of all groups.' })),
        permissions: Type.Array(Type.String()),
      }),
      { description: 'What the user may do, and with whose things.' },
    ),
    has_password: Type.Boolean({ description: 'Otherwise the user signs in with an identity provider.' }),
    version: Type.Integer(),
    created_at: time,
    updated_at: time,
    last_sign_in_at: nullable(time),
  },
  {
    $id: 'Account',
    description: 'A user’s own account.',
    examples: [
      {
        id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
        name: 'ada',
        email: 'ada@example.com',
        email_verified_at: '2026-01-01T12:00:00.000Z',
        profile: { display_name: 'Ada' },
        public_fields: ['display_name'],
        groups: ['viewer'],
        permissions: ['vms:read'],
        grants: [{ group: null, permissions: ['vms:read'] }],
        has_password: true,
        version: 3,
        created_at: '2026-01-01T12:00:00.000Z',
        updated_at: '2026-01-01T12:00:00.000Z',
        last_sign_in_at: null,
      },
    ],
  },
);
export type AccountDocument = Static<typeof accountDocument>;

export const publicProfileDocument = Type.Object(
  { name: Type.String(), profile, created_at: time },
  {
    $id: 'PublicProfile',
    description: 'What a user chose to show.',
    examples: [{ name: 'ada', profile: { display_name: 'Ada' }, created_at: '2026-01-01T12:00:00.000Z' }],
  },
);
export type PublicProfileDocument = Static<typeof publicProfileDocument>;

export const publicProfileParams = Type.Object({ name: Type.String({ description: 'The user’s name.' }) });
