import { type ApiKey, type KeyTerms, viewOf } from '../domain/api-key.ts';
import { hashOfKey, newKeyText, newPrefix } from '../domain/api-key-text.ts';
import { apiKeyNotFound, keyFromSettings, lastAdminKey } from '../domain/errors.ts';
import { checkOverlap, checkTerms } from '../domain/key-terms.ts';
import type { KeyChanges } from './api-key-store.ts';
import { type CommandContext, type CommandDeps, type KeyOutcome, runCommand } from './run-command.ts';

/** Changes some of a key's terms. The last usable admin key can be neither demoted nor given an end. */
export function updateApiKey(
  deps: CommandDeps,
  context: CommandContext,
  id: string,
  terms: Partial<KeyTerms>,
): Promise<KeyOutcome> {
  return runCommand(deps, context, async (keys) => {
    const key = await existing(keys, id);
    checkTerms(terms, keys.now);
    if (key.origin === 'settings' && (terms.permission !== undefined || 'expiresAt' in terms))
      throw keyFromSettings(id);
    if (key.isWeakenedBy(terms)) await otherAdminRemains(keys, key);
    key.change(terms);
    return { key: viewOf(key, keys.now), secret: '' };
  });
}

/** Ends a key at once. The last usable admin key stays. */
export function deleteApiKey(deps: CommandDeps, context: CommandContext, id: string): Promise<KeyOutcome> {
  return runCommand(deps, context, async (keys) => {
    const key = await existing(keys, id);
    await otherAdminRemains(keys, key);
    key.end('deleted', keys.now);
    return { key: viewOf(key, keys.now), secret: '' };
  });
}

/** Gives a key a new secret; the old one works on for the overlap, the one before it ends at once. */
export function rotateApiKey(
  deps: CommandDeps,
  context: CommandContext,
  id: string,
  overlapSeconds: number,
): Promise<KeyOutcome> {
  return runCommand(deps, context, async (keys) => {
    checkOverlap(overlapSeconds);
    const key = await existing(keys, id);
    if (key.origin === 'settings') throw keyFromSettings(id);
    // The public prefix stays, so that both secrets are known as this key; one that was given from outside gets one of ours.
    if (!/^[0-9A-Za-z]{8}$/.test(key.prefix)) key.prefix = newPrefix();
    const secret = newKeyText(key.prefix);
    const overlapUntil = overlapSeconds > 0 ? new Date(keys.now.getTime() + overlapSeconds * 1_000) : undefined;
    key.rotate(hashOfKey(secret), overlapUntil);
    return { key: viewOf(key, keys.now), secret };
  });
}

async function existing(keys: KeyChanges, id: string): Promise<ApiKey> {
  await keys.alone();
  const key = await keys.byId(id);
  if (key === undefined || key.endedAt !== null) throw apiKeyNotFound(id);
  return key;
}

async function otherAdminRemains(keys: KeyChanges, key: ApiKey): Promise<void> {
  if (!key.isUsableAdmin(keys.now)) return;
  const others = (await keys.admins()).filter((admin) => admin.id !== key.id && admin.isUsableAdmin(keys.now));
  if (others.length === 0) throw lastAdminKey(key.id);
}
