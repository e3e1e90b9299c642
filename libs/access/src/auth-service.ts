import { AuthService } from '@berth/contracts';
import { askPatiently, DomainError } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { VerifiedKey } from './key-cache.ts';

/** Asks the auth service who holds a key; patient while a replica restarts. */
export const keyVerifier =
  (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }) =>
  async (apiKey: string): Promise<VerifiedKey> => {
    const ask = () => request(bus, AuthService.method.verifyApiKey, { apiKey }, { timeoutMs: wait.answerTimeoutMs });
    const { principal, expiresAt, allowedNetworks } = await askPatiently(ask, wait.nobodyThereMs);
    if (principal === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its principal.');
    return { principal, allowedNetworks, ...(expiresAt && { expiresAt: timestampDate(expiresAt) }) };
  };
