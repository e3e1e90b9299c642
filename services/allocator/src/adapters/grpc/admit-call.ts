import { createHash } from 'node:crypto';
import { type KeyCache, presentedKey } from '@berth/access';
import { type PermissionVerb, type Principal, requirePermission } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { Metadata } from '@grpc/grpc-js';
import type { KeyUse } from '../../app/ports.ts';
import { hostOf } from './call-limits.ts';
import { textOf } from './metadata-text.ts';

interface Shown {
  readonly metadata: Metadata;
  readonly peer: string;
}

/** Who calls, by the access token or the API key in the metadata and from where. Throws `unauthenticated`, or `unavailable` when auth is away. */
export function knownCaller(keys: Pick<KeyCache, 'principalOf'>, { metadata, peer }: Shown): Promise<Principal> {
  const shown = { apiKey: textOf(metadata, 'x-api-key'), authorization: textOf(metadata, 'authorization') };
  return keys.principalOf(presentedKey(shown), hostOf(peer));
}

/** The same for one who may do `verb`; throws `forbidden` too. */
export async function admitCaller(
  keys: Pick<KeyCache, 'principalOf'>,
  shown: Shown,
  verb: PermissionVerb,
): Promise<Principal> {
  const principal = await knownCaller(keys, shown);
  requirePermission(principal, verb);
  return principal;
}

/** The `idempotency-key` of a call, bound to who calls what with which content; absent when the caller sent none. */
export function keyUseOf(
  metadata: Metadata,
  call: { readonly principalId: string; readonly path: string; readonly canonical: Uint8Array },
): KeyUse | undefined {
  const key = textOf(metadata, 'idempotency-key');
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new DomainError('invalid', 'INVALID_REQUEST', 'The metadata idempotency-key is not valid.', {
      fields: [{ field: 'idempotency-key', message: 'must be 1 to 255 visible ASCII characters' }],
    });
  }
  const fingerprint = createHash('sha256').update(call.canonical).digest();
  return { scope: `${call.principalId} ${call.path}`, key, fingerprint };
}
