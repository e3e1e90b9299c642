import { AuthService, type UpdateApiKeyRequest } from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { deleteApiKey, rotateApiKey, updateApiKey } from '../../app/change-api-key.ts';
import { createApiKey } from '../../app/create-api-key.ts';
import { getApiKey, listApiKeys } from '../../app/read-api-keys.ts';
import type { CommandDeps } from '../../app/run-command.ts';
import type { KeyHolder } from '../../app/verify-api-key.ts';
import type { KeyTerms } from '../../domain/api-key.ts';
import { invalidApiKey } from '../../domain/key-terms.ts';
import { contextOf, dateOf, levelOf, toMessage } from './messages.ts';

type Deps = CommandDeps & { readonly bus: Bus; readonly verify: (apiKey: string) => Promise<KeyHolder> };

/** Answers AuthService. Gives back its stop, which waits for what is in work. */
export function serveApiKeys(deps: Deps): () => Promise<void> {
  const { bus } = deps;
  const { method } = AuthService;
  const stops = [
    serve(bus, method.verifyApiKey, async ({ apiKey }) => holderMessage(await deps.verify(apiKey))),
    serve(bus, method.createApiKey, async ({ context, name, description, permission, expiresAt }) => {
      const terms = { name, description, permission: levelOf(permission), expiresAt: dateOf(expiresAt) };
      const { key, secret } = await createApiKey(deps, contextOf(context), terms);
      return { apiKey: toMessage(key), secret };
    }),
    serve(bus, method.listApiKeys, async ({ principal, pageSize, pageToken }) => {
      const { keys, nextToken } = await listApiKeys(deps, principal, { size: pageSize, token: pageToken });
      return { apiKeys: keys.map(toMessage), nextPageToken: nextToken };
    }),
    serve(bus, method.getApiKey, async ({ principal, id }) => ({
      apiKey: toMessage(await getApiKey(deps, principal, id)),
    })),
    serve(bus, method.updateApiKey, async (request) => {
      const { key } = await updateApiKey(
        deps,
        contextOf(request.context),
        request.apiKey?.id ?? '',
        maskedTerms(request),
      );
      return { apiKey: toMessage(key) };
    }),
    serve(bus, method.deleteApiKey, async ({ context, id }) => {
      await deleteApiKey(deps, contextOf(context), id);
      return {};
    }),
    serve(bus, method.rotateApiKey, async ({ context, id, overlapSeconds }) => {
      const { key, secret } = await rotateApiKey(deps, contextOf(context), id, overlapSeconds);
      return { apiKey: toMessage(key), secret };
    }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const holderMessage = ({ id, name, permissions, until }: KeyHolder) => ({
  principal: { id, kind: 'api_key', name, permissions: [...permissions], group: '' },
  ...(until === undefined ? {} : { expiresAt: timestampFromDate(until) }),
});

/** The terms that the mask names: an absent expiry in it means "never". A name that the mask must not hold is refused. */
function maskedTerms({ apiKey, updateMask }: UpdateApiKeyRequest): Partial<KeyTerms> {
  const terms: Partial<KeyTerms> = {};
  for (const path of updateMask?.paths ?? []) {
    if (path === 'name') terms.name = apiKey?.name ?? '';
    else if (path === 'description') terms.description = apiKey?.description ?? '';
    else if (path === 'permission') terms.permission = levelOf(apiKey?.permission ?? 0);
    else if (path === 'expires_at' || path === 'expiresAt') terms.expiresAt = dateOf(apiKey?.expiresAt);
    else throw invalidApiKey([{ field: path, message: 'cannot be changed' }]);
  }
  return terms;
}
