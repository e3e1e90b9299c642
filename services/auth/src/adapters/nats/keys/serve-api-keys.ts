import { AuthService, type Principal } from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Asker } from '../../../app/asker.ts';
import type { ApiKeyStore, KeyChoice } from '../../../app/keys/api-key-store.ts';
import { deleteApiKey, type KeyChanger, rotateApiKey, updateApiKey } from '../../../app/keys/change-api-key.ts';
import { createApiKey } from '../../../app/keys/create-api-key.ts';
import { getApiKey, listApiKeys } from '../../../app/keys/read-api-keys.ts';
import type { KeyHolder } from '../../../app/keys/verify-api-key.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { toMessage } from '../messages.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { maskedTerms, newTerms } from './api-key-terms.ts';

interface Deps {
  readonly bus: Bus;
  readonly keys: ApiKeyStore;
  readonly transactions: PostgresAuthTransactions;
  readonly verify: (apiKey: string) => Promise<KeyHolder>;
  /** So many keys one user may have. */
  readonly keysPerUser: number;
}

const { method } = AuthService;

/** Answers AuthService. Gives back its stop, which waits for what is in work. */
export function serveApiKeys(deps: Deps): () => Promise<void> {
  const stops = [
    serve(deps.bus, method.verifyApiKey, async ({ apiKey }) => holderMessage(await deps.verify(apiKey))),
    ...readers(deps),
    ...changers(deps),
    makingSecrets(deps),
  ].flat();
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const readers = (deps: Deps) => [
  serve(deps.bus, method.listApiKeys, async ({ principal, pageSize, pageToken, userId, own }) => {
    const { ownerId = userId || undefined } = choiceOf(principal, own);
    const { keys, nextToken } = await listApiKeys(deps, { size: pageSize, token: pageToken }, { ownerId });
    return { apiKeys: keys.map(toMessage), nextPageToken: nextToken };
  }),
  serve(deps.bus, method.getApiKey, async ({ principal, id, own }) => ({
    apiKey: toMessage(await getApiKey(deps, id, choiceOf(principal, own))),
  })),
];

const changers = (deps: Deps) => [
  serveCommand(deps, method.updateApiKey, { access: 'anybody' }, async (request, asker, inTransaction) => {
    const changer = changerOf(asker, request.own);
    const id = request.apiKey?.id ?? '';
    const terms = maskedTerms(request);
    return inTransaction(async (transaction) => {
      const { key } = await updateApiKey(transaction, changer, id, terms);
      return { apiKey: toMessage(key) };
    });
  }),
  serveCommand(deps, method.deleteApiKey, { access: 'anybody' }, async ({ id, own }, asker, inTransaction) => {
    const changer = changerOf(asker, own);
    return inTransaction(async (transaction) => {
      await deleteApiKey(transaction, changer, id);
      return {};
    });
  }),
];

/** A repeat is answered without the secret, which is kept nowhere. */
const makingSecrets = (deps: Deps) => [
  serveCommand(
    deps,
    method.createApiKey,
    { access: 'anybody', withoutSecrets: (answer) => ({ ...answer, secret: '' }) },
    async (request, asker, inTransaction) => {
      const maker = { ...changerOf(asker, request.own), mostKeys: deps.keysPerUser };
      const terms = newTerms(request);
      return inTransaction(async (transaction) => {
        const { key, secret } = await createApiKey(transaction, maker, terms);
        return { apiKey: toMessage(key), secret };
      });
    },
  ),
  serveCommand(
    deps,
    method.rotateApiKey,
    { access: 'anybody', withoutSecrets: (answer) => ({ ...answer, secret: '' }) },
    async ({ id, overlapSeconds, own }, asker, inTransaction) => {
      const changer = changerOf(asker, own);
      return inTransaction(async (transaction) => {
        const { key, secret } = await rotateApiKey(transaction, changer, id, overlapSeconds);
        return { apiKey: toMessage(key), secret };
      });
    },
  ),
];

/** Which keys are there for whoever asks: all for administrators, and for a user his own. */
function choiceOf(principal: Principal | undefined, own: boolean): KeyChoice {
  assertAccess(principal, own ? 'user' : { verb: 'api-keys:admin' });
  return { ownerId: own ? principal?.userId : undefined };
}

function changerOf({ principal }: Asker, own: boolean): KeyChanger {
  return { ...choiceOf(principal, own), rights: principal ?? { permissions: [] } };
}

const holderMessage = ({ id, name, userId, rights, groups, allowedNetworks, until }: KeyHolder) => ({
  principal: {
    ...{ id, kind: 'api_key', name, userId, group: rights.group, permissions: [...rights.permissions] },
    groups: [...groups],
    grants: rights.grants.map(({ group, permissions }) => ({ group, permissions: [...permissions] })),
  },
  allowedNetworks: [...allowedNetworks],
  ...(until === undefined ? {} : { expiresAt: timestampFromDate(until) }),
});
