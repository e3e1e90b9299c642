import { type Static, Type } from 'typebox';
import { anyObject, nullable } from '../json-types.ts';

export const signingKeyDocument = Type.Object(
  {
    id: Type.String({ description: 'The `kid` of its tokens: the key’s thumbprint (RFC 7638).' }),
    created_at: Type.String({ format: 'date-time' }),
    signs_from: Type.String({ format: 'date-time', description: 'Everybody knows it before it signs.' }),
    verifies_until: nullable(
      Type.String({ format: 'date-time', description: 'When its last token ends; null: not known yet, or never.' }),
    ),
    signing: Type.Boolean({ description: 'New tokens are signed with it.' }),
  },
  {
    $id: 'SigningKey',
    description: 'A key that signs access tokens, without its secret part.',
    examples: [
      {
        id: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
        created_at: '2026-01-01T12:00:00.000Z',
        signs_from: '2026-01-01T12:00:10.000Z',
        verifies_until: null,
        signing: true,
      },
    ],
  },
);

export type SigningKeyDocument = Static<typeof signingKeyDocument>;

export const signingKeyList = Type.Object(
  { items: Type.Array(Type.Unsafe<SigningKeyDocument>({ $ref: 'SigningKey#' })) },
  { $id: 'SigningKeyList', description: 'The newest first.', examples: [{ items: [] }] },
);

export const signingKeyParams = Type.Object({ id: Type.String({ maxLength: 100, description: 'The key’s id.' }) });

export const keySetDocument = Type.Object(
  { keys: Type.Array(anyObject({ description: 'A public key (RFC 8037).' })) },
  {
    $id: 'KeySet',
    description: 'A JWK set (RFC 7517).',
    examples: [{ keys: [{ kty: 'OKP', crv: 'Ed25519', x: '…', kid: '…', alg: 'EdDSA', use: 'sig' }] }],
  },
);
