import {
  FinishSignInResponseSchema,
  IdentityService,
  StartLinkResponseSchema,
  StartSignInResponseSchema,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import { create } from '@bufbuild/protobuf';
import type { Asker } from '../../../app/asker.ts';
import {
  type AttemptDeps,
  answeredProfile,
  beginAttempt,
  noteRefusal,
} from '../../../app/identities/identity-attempts.ts';
import { linkIdentity, unlinkIdentity } from '../../../app/identities/link-identity.ts';
import { signInWithIdentity } from '../../../app/identities/sign-in-with-identity.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { tokensMessage } from '../sessions/session-messages.ts';
import { identityMessage } from './identity-messages.ts';

const { method } = IdentityService;
const noAnswer = { attempt: '', code: '', state: '', iss: '' };
const mostRuns = 3;

type Deps = AttemptDeps & { readonly bus: Bus; readonly transactions: PostgresAuthTransactions };

/** Answers sign-ins with providers, and what users ask about their identities. Gives back its stops. */
export const serveIdentities = (deps: Deps): readonly (() => Promise<void>)[] => [
  ...serveSignIn(deps),
  ...serveLinking(deps),
  serve(deps.bus, method.listSignInProviders, async () => {
    const providers = (await deps.reader.providers()).filter(({ enabled }) => enabled);
    return { providers: providers.map(({ name, displayName, preset }) => ({ name, displayName, preset })) };
  }),
  serve(deps.bus, method.listIdentities, async ({ principal }) => {
    assertAccess(principal, 'user');
    return { identities: (await deps.reader.identitiesOf(principal?.userId ?? '')).map(identityMessage) };
  }),
];

const serveSignIn = (deps: Deps) => [
  serveCommand(
    deps,
    method.startSignIn,
    { access: 'anybody', withoutSecrets: () => create(StartSignInResponseSchema) },
    async ({ provider, redirectUri }, _asker, inTransaction) => {
      const { authorizationUrl, attempt, keep } = await beginAttempt(deps, { provider, redirectUri, userId: null });
      return inTransaction(async (transaction) => {
        await keep(transaction);
        return { authorizationUrl, attempt };
      });
    },
  ),
  serveCommand(
    deps,
    method.finishSignIn,
    { access: 'anybody', withoutSecrets: () => create(FinishSignInResponseSchema) },
    async ({ provider, answer = noAnswer }, asker, inTransaction) =>
      noteRefusal(deps, asker, {
        provider,
        async work() {
          const profile = await answeredProfile(deps, asker, { provider, answer, userId: null });
          return againWhenTaken(() =>
            inTransaction(async (transaction) => ({
              tokens: tokensMessage(await signInWithIdentity(transaction, asker, { provider, profile })),
            })),
          );
        },
      }),
  ),
];

const serveLinking = (deps: Deps) => [
  serveCommand(
    deps,
    method.startLink,
    { access: 'user', withoutSecrets: () => create(StartLinkResponseSchema) },
    async ({ provider, redirectUri }, asker, inTransaction) => {
      const begun = await beginAttempt(deps, { provider, redirectUri, userId: userOf(asker) });
      return inTransaction(async (transaction) => {
        await begun.keep(transaction);
        return { authorizationUrl: begun.authorizationUrl, attempt: begun.attempt };
      });
    },
  ),
  serveCommand(
    deps,
    method.finishLink,
    { access: 'user' },
    async ({ provider, answer = noAnswer }, asker, inTransaction) => {
      const userId = userOf(asker);
      const profile = await answeredProfile(deps, asker, { provider, answer, userId }).catch((error: unknown) => {
        // A repeat finds its attempt taken: what it was answered the first time is known within the transaction.
        if (isCode(error, 'IDENTITY_ATTEMPT_INVALID')) return error;
        throw error;
      });
      return inTransaction(async (transaction) => {
        if (profile instanceof Error) throw profile;
        return { identity: identityMessage(await linkIdentity(transaction, userId, { provider, profile })) };
      });
    },
  ),
  serveCommand(deps, method.unlinkIdentity, { access: 'user' }, async ({ id }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      await unlinkIdentity(transaction, userOf(asker), id);
      return {};
    }),
  ),
];

const isCode = (error: unknown, code: string): error is DomainError =>
  error instanceof DomainError && error.code === code;

const userOf = ({ principal }: Asker): string => principal?.userId ?? '';

/** Somebody registered with the same name or address at this very moment: now that is seen. */
async function againWhenTaken<T>(work: () => Promise<T>): Promise<T> {
  for (let run = 1; ; run++) {
    try {
      return await work();
    } catch (error) {
      const taken = isCode(error, 'USER_NAME_TAKEN') || isCode(error, 'USER_EMAIL_TAKEN');
      if (!taken || run === mostRuns) throw error;
    }
  }
}
