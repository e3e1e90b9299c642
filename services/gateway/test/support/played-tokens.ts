import { type AccessFactSchema, AccessPositionSchema, AccessService, permissionsOf, subjects } from '@berth/contracts';
import { notify } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { GatewayUnderTest } from './gateway-under-test.ts';

type Fact = NonNullable<MessageInitShape<typeof AccessFactSchema>['fact']>;

/** What a token says where it matters to a test. */
export interface PlayedClaims {
  readonly groups: readonly string[];
  /** Default: 7. */
  readonly userId?: string;
  /** Default: session-1. */
  readonly sessionId?: string;
  /** Default: in a quarter of an hour. */
  readonly expiresAt?: Date;
}

/** Auth as far as tokens go: it tells of one signing key and the built-in groups, and of what else it is given. */
export interface PlayedTokens {
  readonly publicJwk: JWK;
  /** A token that the key signed. */
  token(claims: PlayedClaims): Promise<string>;
  /** Tells nothing any more. */
  stop(): Promise<void>;
}

const tellEveryMs = 200;
const position = 9n;

export async function playTokens(gateway: GatewayUnderTest, more: readonly Fact[] = []): Promise<PlayedTokens> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'EdDSA', use: 'sig' };
  const groups = Object.entries(permissionsOf).map(([name, permissions]) => ({
    fact: { case: 'group' as const, value: { name, permissions: [...permissions], everywhere: true } },
  }));
  const key = { case: 'signingKey' as const, value: { id: 'k1', publicJwk: JSON.stringify(publicJwk) } };
  const stopServing = gateway.answer(AccessService.method.getAccessFacts, ({ after }) => ({
    facts: after === 0n ? [...groups, { fact: key }, ...more.map((fact) => ({ fact }))] : [],
    position,
  }));
  const timer = setInterval(
    () => notify(gateway.bus, subjects.accessPosition, AccessPositionSchema, { position }),
    tellEveryMs,
  );
  timer.unref();
  await gateway.bus.connection.flush();
  return {
    publicJwk,
    token: ({ groups: names, userId = '7', sessionId = 'session-1', expiresAt = '15m' }) =>
      new SignJWT({ sid: sessionId, name: 'ada', groups: [...names], pv: 1, sv: 1 })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'k1', typ: 'at+jwt' })
        .setIssuer('http://127.0.0.1:8800')
        .setAudience('berth')
        .setSubject(userId)
        .setJti('t1')
        .setIssuedAt()
        .setExpirationTime(expiresAt)
        .sign(privateKey),
    async stop() {
      clearInterval(timer);
      await stopServing();
    },
  };
}
