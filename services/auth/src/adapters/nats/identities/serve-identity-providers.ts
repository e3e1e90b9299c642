import { IdentityService } from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import {
  changeIdentityProvider,
  createIdentityProvider,
  removeIdentityProvider,
} from '../../../app/identities/change-identity-provider.ts';
import type { IdentityReader } from '../../../app/identities/identity-stores.ts';
import { providerNotFound } from '../../../domain/identities/identity-errors.ts';
import type { ProviderRules } from '../../../domain/identities/provider-terms.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { changesOf, newTermsOf, providerMessage } from './identity-messages.ts';

const { method } = IdentityService;
const access = { verb: 'identity-providers:admin' } as const;

/** Answers what admins ask about identity providers. Gives back its stops. */
export function serveIdentityProviders(deps: {
  readonly bus: Bus;
  readonly transactions: PostgresAuthTransactions;
  readonly reader: IdentityReader;
  readonly rules: ProviderRules;
}): readonly (() => Promise<void>)[] {
  const { bus, reader, rules } = deps;
  return [
    serveCommand(deps, method.createIdentityProvider, { access }, async (request, asker, inTransaction) => {
      const { name } = request;
      const terms = newTermsOf(name, request.terms);
      const clientSecret = request.terms?.clientSecret ?? '';
      return inTransaction(async (transaction) => {
        const provider = await createIdentityProvider(transaction, asker, { name, terms, clientSecret, rules });
        return { provider: providerMessage(provider) };
      });
    }),
    serve(bus, method.listIdentityProviders, async ({ principal }) => {
      assertAccess(principal, access);
      return { providers: (await reader.providers()).map(providerMessage) };
    }),
    serve(bus, method.getIdentityProvider, async ({ principal, name }) => {
      assertAccess(principal, access);
      const found = await reader.provider(name);
      if (found === undefined) throw providerNotFound();
      return { provider: providerMessage(found.provider) };
    }),
    serveCommand(deps, method.updateIdentityProvider, { access }, async (request, asker, inTransaction) => {
      const changes = changesOf(request);
      const ifVersion = request.context?.ifVersion ?? 0n;
      return inTransaction(async (transaction) => {
        const change = { name: request.name, changes, ifVersion, rules };
        return { provider: providerMessage(await changeIdentityProvider(transaction, asker, change)) };
      });
    }),
    serveCommand(deps, method.deleteIdentityProvider, { access }, async (request, _asker, inTransaction) =>
      inTransaction(async (transaction) => {
        const ifVersion = request.context?.ifVersion ?? 0n;
        await removeIdentityProvider(transaction, { name: request.name, ifVersion });
        return {};
      }),
    ),
  ];
}
