import { DomainError } from '@berth/errors';
import { type ApiKey, type ApiKeyView, viewOf } from '../../domain/keys/api-key.ts';
import { auditedKey } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

/** What a command made of a key; the secret is there when it is new. */
export interface KeyOutcome {
  readonly key: ApiKeyView;
  readonly secret: string;
}

/** Nobody remembers longer than an hour who holds a key, so whoever hears nothing for a day has forgotten it. */
const factKeptMs = 86_400_000;
const keyFactEnd = (now: Date): Date => new Date(now.getTime() + factKeptMs);

/** Tells everybody who remembers who holds a user's keys to ask again. */
export const tellKeysOf = ({ tell, now }: AuthTransaction, userId: string): void =>
  tell({ kind: 'api-keys-of', userId }, keyFactEnd(now));

/** From here to the end of the transaction nobody else makes, changes or ends keys, nor removes a group. Call it before loading any. */
export async function aloneWithKeys({ alone, alongside }: AuthTransaction): Promise<void> {
  await alongside('groups'); // a group goes with its keys
  await alone('api-keys');
}

/** Tells everybody concerned what became of a key: those who let callers in, the audit log, the public. Gives back how it is seen. */
export function noteKey(
  transaction: AuthTransaction,
  what: 'created' | 'changed' | 'rotated' | 'deleted',
  { before, after }: { readonly before?: ApiKeyView; readonly after: ApiKey },
): ApiKeyView {
  const { now } = transaction;
  const view = viewOf(after, now);
  transaction.tell({ kind: 'api-key', id: after.id }, keyFactEnd(now));
  transaction.audit({
    action: `api_key.${what}`,
    resource: { id: after.id, name: after.name === '' ? after.prefix : after.name },
    ...(before && { before: auditedKey(before) }),
    ...(what !== 'deleted' && { after: auditedKey(view) }),
  });
  const subject = { type: 'api_key', id: after.id } as const;
  transaction.publish({ what: `api_key.${what}`, subject, ...(after.ownerId !== null && { userId: after.ownerId }) });
  return view;
}

/** Refuses a key for a group that is not there. */
export async function assertGroup({ groups }: AuthTransaction, name: string | null | undefined): Promise<void> {
  if (name === null || name === undefined || (await groups.kept(name)) !== undefined) return;
  throw new DomainError('not_found', 'GROUP_NOT_FOUND', 'There is no such group.');
}
