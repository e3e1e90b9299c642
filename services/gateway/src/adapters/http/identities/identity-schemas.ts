import { type Static, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';

export const signInProviderList = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        name: Type.String(),
        display_name: Type.String(),
        preset: Type.String({
          description: '`google`, `github`, `facebook`, `x` or `custom`: for a button’s picture.',
        }),
      }),
    ),
  },
  {
    $id: 'SignInProviderList',
    description: 'What a sign-in page offers.',
    examples: [{ items: [{ name: 'google', display_name: 'Google', preset: 'google' }] }],
  },
);

export const startSignInBody = Type.Object(
  {
    redirect_uri: Type.String({
      minLength: 1,
      maxLength: 1_000,
      description: 'Where the provider sends the browser back to: one of its redirect URIs.',
    }),
  },
  { ...strict, examples: [{ redirect_uri: 'https://berth.example/signed-in/google' }] },
);

const startedExample = {
  authorization_url: 'https://accounts.google.com/o/oauth2/v2/auth?response_type=code&…',
  attempt: 'q3Jk…',
  expires_in: 600,
};

export const startedSignIn = Type.Object(
  {
    authorization_url: Type.String({
      description: 'Where the browser goes. Empty in the replay of an Idempotency-Key.',
    }),
    attempt: Type.String({
      description: 'A secret that the answer is taken with. Keep it in this browser. Empty in a replay.',
    }),
    expires_in: Type.Integer({ description: 'For how many seconds it can be used, once.' }),
  },
  { $id: 'StartedSignIn', description: 'A sign-in that has begun.', examples: [startedExample] },
);

export const signInAnswerBody = Type.Object(
  {
    attempt: Type.String({ minLength: 1, maxLength: 100 }),
    code: Type.String({
      minLength: 1,
      maxLength: 8_000,
      description: 'From the address that the browser came back to.',
    }),
    state: Type.String({ minLength: 1, maxLength: 500, description: 'From there too.' }),
    iss: Type.Optional(Type.String({ maxLength: 1_000, description: 'From there too, if it is there.' })),
  },
  { ...strict, examples: [{ attempt: 'q3Jk…', code: '4/0AX4…', state: 'Zx81…', iss: 'https://accounts.google.com' }] },
);

const identityExample = {
  id: '8f14e45f-ceea-4e7a-9c3f-0a9c1d2b3e4f',
  provider: 'google',
  provider_display_name: 'Google',
  label: 'sam@example.com',
  created_at: '2026-01-01T12:00:00.000Z',
  last_used_at: null,
};

export const identityDocument = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    provider: Type.String(),
    provider_display_name: Type.String(),
    label: Type.String({ description: 'An address, a login or a name at the provider.' }),
    created_at: Type.String({ format: 'date-time' }),
    last_used_at: nullable(Type.String({ format: 'date-time', description: 'Null: never.' })),
  },
  { $id: 'Identity', description: 'Who one is at a provider.', examples: [identityExample] },
);
export type IdentityDocument = Static<typeof identityDocument>;

export const identityList = Type.Object(
  { items: Type.Array(Type.Unsafe<IdentityDocument>({ $ref: 'Identity#' })) },
  { $id: 'IdentityList', description: 'One’s identities, the oldest first.', examples: [{ items: [identityExample] }] },
);

export const providerParams = Type.Object({ provider: Type.String({ description: 'The provider’s name.' }) });
export const identityParams = Type.Object({ id: Type.String({ description: 'The identity’s id.' }) });
