import { ApiKeyChangedSchema, AuthService, subjects } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, listen, request } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { KeyCache, VerifiedKey } from '../../app/key-cache.ts';
import { askPatiently } from '../../app/send-patiently.ts';

const verifyTimeoutMs = 2_000;
const patienceMs = 3_000;

/** Asks the auth service who holds a key. */
export const keyVerifier =
  (bus: Bus) =>
  async (apiKey: string): Promise<VerifiedKey> => {
    const ask = () => request(bus, AuthService.method.verifyApiKey, { apiKey }, { timeoutMs: verifyTimeoutMs });
    const { principal, expiresAt } = await askPatiently(ask, patienceMs);
    if (principal === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its principal.');
    return { principal, ...(expiresAt && { expiresAt: timestampDate(expiresAt) }) };
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
