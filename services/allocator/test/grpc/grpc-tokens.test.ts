import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { PoolService, permissionsOf } from '@berth/contracts';
import type { Bus } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { startGrpcSide } from '../support/grpc-side.ts';
import { playFacts } from '../support/played-facts.ts';

const { method } = PoolService;
const forEver = new Date('9999-12-31T00:00:00.000Z');

/** Auth as far as tokens go: tells of one key, the viewers' group, and of sessions that `end` ends. */
async function playTokens(bus: Bus) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const publicJwk = JSON.stringify({ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'EdDSA' });
  const { tell } = await playFacts(
    bus,
    { case: 'signingKey', value: { id: 'k1', publicJwk } },
    { case: 'group', value: { name: 'viewer', permissions: [...permissionsOf.viewer], everywhere: true } },
  );
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + 60;
  const names = { iss: 'http://berth.test', aud: 'berth', sub: '7', jti: 't', name: 'ada' };
  const text = `${encode({ alg: 'EdDSA', kid: 'k1', typ: 'at+jwt' })}.${encode({
    ...{ ...names, sid: 's1', groups: ['viewer'], pv: 1, sv: 1, exp },
  })}`;
  return {
    token: `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`,
    end: () => tell({ case: 'session', value: { id: 's1' } }),
    keepOut: (subject: string) =>
      tell({ case: 'block', value: { subject, reason: 'Leaked.', until: timestampFromDate(forEver) } }),
  };
}

test('an access token opens what its groups may, and its end ends a watch', async (t) => {
  const side = await startGrpcSide(t, {
    async *watchPools(_: unknown, _call: unknown, signal: AbortSignal) {
      yield {};
      if (!signal.aborted) await once(signal, 'abort');
    },
  });
  const auth = await playTokens(side.bus);
  const client = side.client();
  const shown = { apiKey: null, metadata: { authorization: `Bearer ${auth.token}` } };
  await eventually(() =>
    client.call(method.getPool, {}, shown).then(
      () => true,
      () => false, // the facts are not there yet
    ),
  );
  assert.equal((await client.failure(method.deletePool, {}, shown)).code, 'PERMISSION_DENIED');
  const watch = client.stream(method.watchPools, {}, shown);
  await assert.rejects(async () => {
    for await (const _ of watch) auth.end();
  }, /UNAUTHENTICATED/);
  const failure = await client.failure(method.getPool, {}, shown);
  assert.equal(Object(failure.details['google.rpc.ErrorInfo']).reason, 'TOKEN_REVOKED');
});

test('a user who is kept out gets no answer, and a watch of theirs ends', async (t) => {
  const side = await startGrpcSide(t, {
    async *watchPools(_: unknown, _call: unknown, signal: AbortSignal) {
      yield {};
      if (!signal.aborted) await once(signal, 'abort');
    },
  });
  const auth = await playTokens(side.bus);
  const client = side.client();
  const shown = { apiKey: null, metadata: { authorization: `Bearer ${auth.token}` } };
  await eventually(() => client.call(method.getPool, {}, shown).catch(() => false)); // the facts are on their way
  auth.keepOut('user:8');
  const watch = client.stream(method.watchPools, {}, shown);
  await assert.rejects(async () => {
    for await (const _ of watch) auth.keepOut('user:7');
  }, /PERMISSION_DENIED/);
  const failure = await client.failure(method.getPool, {}, shown);
  assert.equal(Object(failure.details['google.rpc.ErrorInfo']).reason, 'CALLER_BLOCKED');
});
