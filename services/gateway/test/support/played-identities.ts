import type { CommandContext, IdentityProvider, IdentityProviderTerms } from '@berth/contracts';
import { AuthService, IdentityProviderSchema, IdentityService, permissionsOf } from '@berth/contracts';
import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { GatewayUnderTest } from './gateway-under-test.ts';

const { method } = IdentityService;
export const identityId = '8f14e45f-ceea-4e7a-9c3f-0a9c1d2b3e4f';
const at = timestampFromDate(new Date('2026-01-01T12:00:00Z'));
const identity = {
  id: identityId,
  provider: 'corp',
  providerDisplayName: 'Corp',
  label: 'sam@x.example',
  createdAt: at,
};

/** What was asked of auth, in order. */
export interface Asked {
  readonly method: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  readonly message: any;
}

/** Plays the part of auth: keys `admin-1` and `operator-1`, the token `user-1` of a user, and whatever is asked about identities. */
export async function playIdentities(gateway: GatewayUnderTest) {
  const asked: Asked[] = [];
  const note = (name: string, message: { context?: CommandContext | undefined } | object) =>
    void asked.push({ method: name, message });
  const provider = (name: string, terms: IdentityProviderTerms | undefined): IdentityProvider =>
    create(IdentityProviderSchema, {
      ...{ name, version: 3n, hasClientSecret: terms?.clientSecret !== '', createdAt: at, updatedAt: at },
      terms: terms === undefined ? { preset: 'custom' } : { ...terms, clientSecret: '' },
    });
  gateway.answer(AuthService.method.verifyApiKey, ({ apiKey }) => {
    const isUser = apiKey.startsWith('user');
    const permissions = [...permissionsOf[apiKey.startsWith('operator') ? 'operator' : 'admin']];
    const key = { id: `id-of-${apiKey}`, kind: 'api_key', name: apiKey, permissions };
    return { principal: isUser ? { ...key, kind: 'user', userId: key.id } : key };
  });
  gateway.answer(method.createIdentityProvider, (message) => {
    note('create', message);
    return { provider: provider(message.name, message.terms) };
  });
  gateway.answer(method.updateIdentityProvider, (message) => {
    note('update', message);
    return { provider: provider(message.name, message.terms) };
  });
  gateway.answer(method.deleteIdentityProvider, (message) => {
    note('delete', message);
    return {};
  });
  gateway.answer(method.listIdentityProviders, (message) => {
    note('list', message);
    return { providers: [provider('corp', undefined)] };
  });
  gateway.answer(method.getIdentityProvider, (message) => {
    note('get', message);
    return { provider: provider(message.name, undefined) };
  });
  gateway.answer(method.listSignInProviders, () => ({
    providers: [{ name: 'corp', displayName: 'Corp', preset: 'custom' }],
  }));
  gateway.answer(method.startSignIn, (message) => {
    note('startSignIn', message);
    return { authorizationUrl: 'https://login.example/a', attempt: 'secret' };
  });
  gateway.answer(method.finishSignIn, (message) => {
    note('finishSignIn', message);
    const replay = message.answer?.attempt === 'used';
    return replay ? {} : { tokens: { accessToken: 'access', refreshToken: 'refresh', accessSeconds: 900 } };
  });
  gateway.answer(method.startLink, (message) => {
    note('startLink', message);
    return { authorizationUrl: 'https://login.example/a', attempt: 'secret' };
  });
  gateway.answer(method.finishLink, (message) => {
    note('finishLink', message);
    return { identity };
  });
  gateway.answer(method.listIdentities, (message) => {
    note('listIdentities', message);
    return { identities: [identity] };
  });
  gateway.answer(method.unlinkIdentity, (message) => {
    note('unlink', message);
    return {};
  });
  await gateway.bus.connection.flush();
  return { asked };
}
