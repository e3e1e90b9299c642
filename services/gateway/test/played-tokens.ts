import { AccessPositionSchema, AccessService, permissionsOf, subjects } from '@berth/contracts';
import { notify } from '@berth/messaging';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { GatewayUnderTest } from './gateway-under-test.ts';

/** Auth as far as tokens go: it tells of one signing key and the built-in groups. */
export interface PlayedTokens {
  readonly publicJwk: JWK;
  /** A token of the user 7, in the session `session-1`, that works for a quarter of an hour. */
  token(claims: { readonly groups: readonly string[] }): Promise<string>;
  /** Tells nothing any more. */
  stop(): Promise<void>;
}

const tellEveryMs = 200;
const position = 9n;

export async function playTokens(gateway: GatewayUnderTest): Promise<PlayedTokens> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'EdDSA', use: 'sig' };
  const groups = Object.entries(permissionsOf).map(([name, permissions]) => ({
    fact: { case: 'group' as const, value: { name, permissions: [...permissions], everywhere: true } },
  }));
  const key = { case: 'signingKey' as const, value: { id: 'k1', publicJwk: JSON.stringify(publicJwk) } };
  const stopServing = gateway.answer(AccessService.method.getAccessFacts, ({ after }) => ({
    facts: after === 0n ? [...groups, { fact: key }] : [],
    position,
  }));
  const timer = setInterval(
    () => gateway.bus.isConnected() && notify(gateway.bus, subjects.accessPosition, AccessPositionSchema, { position }),
    tellEveryMs,
  );
  timer.unref();
  await gateway.bus.connection.flush();
  return {
    publicJwk,
    token: ({ groups: names }) =>
      new SignJWT({ sid: 'session-1', name: 'ada', groups: [...names], pv: 1, sv: 1 })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'k1', typ: 'at+jwt' })
        .setIssuer('http://127.0.0.1:8800')
        .setAudience('berth')
        .setSubject('7')
        .setJti('t1')
        .setIssuedAt()
        .setExpirationTime('15m')
        .sign(privateKey),
    async stop() {
      clearInterval(timer);
      await stopServing();
    },
  };
}
