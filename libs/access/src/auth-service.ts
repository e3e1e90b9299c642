import { ApiKeyChangedSchema, AuthService, subjects } from '@berth/contracts';
import { askPatiently, DomainError } from '@berth/errors';
import { type Bus, listen, request } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { KeyCache, VerifiedKey } from './key-cache.ts';

/** Asks the auth service who holds a key; patient while a replica restarts. */
export const keyVerifier =
  (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }) =>
  async (apiKey: string): Promise<VerifiedKey> => {
    const ask = () => request(bus, AuthService.method.verifyApiKey, { apiKey }, { timeoutMs: wait.answerTimeoutMs });
    const { principal, expiresAt, allowedNetworks } = await askPatiently(ask, wait.nobodyThereMs);
    if (principal === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its principal.');
    return { principal, allowedNetworks, ...(expiresAt && { expiresAt: timestampDate(expiresAt) }) };
  };

/**
 * Forgets keys as soon as auth tells of a change, and all of them when the connection was lost, because notices may have been missed.
 * Gives back its stop.
 */
export function keepKeysTrue(bus: Bus, keys: KeyCache): () => void {
  const stopListening = listen(bus, subjects.apiKeyChanged, ApiKeyChangedSchema, ({ id }) => keys.forget(id));
  let stopped = false;
  void (async () => {
    for await (const { type } of bus.connection.status()) {
      if (stopped) return;
      if (type === 'disconnect' || type === 'reconnect' || type === 'staleConnection') keys.clear();
    }
  })();
  return () => {
    stopped = true;
    stopListening();
  };
}
