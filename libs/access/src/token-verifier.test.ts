import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessFactSchema } from '@berth/contracts';
import { create } from '@bufbuild/protobuf';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { AccessState } from './access-state.ts';
import { TokenVerifier } from './token-verifier.ts';

const terms = { issuer: 'http://berth.test', audience: 'berth' };
const secondsNow = () => Math.floor(Date.now() / 1_000);

/** A key that nobody was told of yet; `tell` tells it. */
async function aNewKey(keyWaitMs: number) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const publicJwk = await exportJWK(publicKey);
  const id = await calculateJwkThumbprint(publicJwk);
  const state = new AccessState();
  let position = 0n;
  return {
    verifier: new TokenVerifier({ state, isCurrent: () => true, terms, keyWaitMs }),
    tell(removed = false) {
      const value = { id, publicJwk: JSON.stringify(publicJwk), removed };
      position++;
      state.apply([create(AccessFactSchema, { fact: { case: 'signingKey', value } })], position);
    },
    token: ({ kid = id, issuedAt = secondsNow() } = {}) =>
      new SignJWT({ sid: 's', name: 'ada', groups: [], pv: 1, sv: 1 })
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt' })
        .setIssuer(terms.issuer)
        .setAudience(terms.audience)
        .setSubject('7')
        .setIssuedAt(issuedAt)
        .setExpirationTime('15m')
        .sign(privateKey),
  };
}

const invalid = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'TOKEN_INVALID';
/** So long that a test that waits for it fails. */
const tooLong = 3_600_000;

test('a token of a key that comes a moment later is let in, also when the clocks differ by five minutes', async () => {
  for (const ahead of [0, 300, -300]) {
    const { verifier, token, tell } = await aNewKey(tooLong);
    const asked = verifier.principalOf(await token({ issuedAt: secondsNow() + ahead }));
    setImmediate(tell);
    assert.equal((await asked).userId, '7');
  }
});

test('a token of a key that does not come is refused after the wait, and one of a removed key as soon as that is told', async () => {
  const never = await aNewKey(20);
  await assert.rejects(never.verifier.principalOf(await never.token()), invalid);
  const removed = await aNewKey(tooLong);
  const asked = removed.verifier.principalOf(await removed.token());
  setImmediate(() => removed.tell(true));
  await assert.rejects(asked, invalid);
  await assert.rejects(removed.verifier.principalOf(await removed.token()), invalid);
});

test('who names a key that cannot be new does not wait', async () => {
  const { verifier, token } = await aNewKey(tooLong);
  await assert.rejects(verifier.principalOf(await token({ kid: 'k1' })), invalid);
  await assert.rejects(verifier.principalOf(await token({ issuedAt: secondsNow() - 400 })), invalid);
});

test('a hundred wait at most: one more takes the place of who came first, and those who wait are let in when the key comes', async () => {
  const { verifier, token, tell } = await aNewKey(tooLong);
  const shown = await token();
  const stranger = verifier.principalOf(await token({ kid: 'k'.repeat(43) }));
  const asked = Array.from({ length: 100 }, () => verifier.principalOf(shown));
  await assert.rejects(stranger, invalid);
  tell();
  assert.equal((await Promise.all(asked)).length, 100);
});
