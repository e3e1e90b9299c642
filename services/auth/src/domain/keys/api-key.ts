import { timingSafeEqual } from 'node:crypto';
import { type PermissionLevel, permissionsOf } from '@berth/contracts';
import type { KeyScope } from './key-scope.ts';

/**
 * Where a key comes from: made over the API, made (or given) at the first start in the admin key file, or named in the settings.
 * Keys from the settings live as long as they are named there.
 */
export type KeyOrigin = 'created' | 'admin-file' | 'settings';

/** Why a key ended. A deleted key never comes back; one that is no longer in the settings does when it is named there again. */
export type KeyEnd = 'deleted' | 'unlisted';

/** What a key may do: a level, what its `permissions` list, or whatever its owner may. */
export type KeyPermission = PermissionLevel | 'custom' | 'owner';

/** What people may change of a key. */
export interface KeyTerms extends KeyScope {
  name: string;
  description: string;
  /** Undefined: never. */
  expiresAt: Date | undefined;
  /** From where it may be used, CIDR; none: from everywhere. */
  allowedNetworks: readonly string[];
}

/** An API key: what it may do and until when, and the hash of its secret. Holds the rules; knows nothing of storage. */
export class ApiKey {
  readonly id: string;
  prefix: string;
  name: string;
  description: string;
  permission: KeyPermission;
  /** Of `custom`; otherwise none. */
  permissions: readonly string[];
  /** The only group with whose things it works; null: not limited. */
  group: string | null;
  allowedNetworks: readonly string[];
  /** The user whose key it is; null: global. */
  readonly ownerId: string | null;
  readonly origin: KeyOrigin;
  secretHash: Buffer;
  /** The secret before the last rotation, while it still works. */
  previousHash: Buffer | null = null;
  previousExpiresAt: Date | null = null;
  readonly createdAt: Date;
  expiresAt: Date | null;
  endedAt: Date | null = null;
  ended: KeyEnd | null = null;
  /** To the minute. */
  lastUsedAt: Date | null = null;

  constructor(made: KeyTerms & KeyIdentity) {
    this.id = made.id;
    this.prefix = made.prefix;
    this.name = made.name;
    this.description = made.description;
    this.permission = made.permission;
    this.permissions = made.permissions;
    this.group = made.group;
    this.allowedNetworks = made.allowedNetworks;
    this.ownerId = made.ownerId;
    this.origin = made.origin;
    this.secretHash = made.secretHash;
    this.createdAt = made.createdAt;
    this.expiresAt = made.expiresAt ?? null;
  }

  isUsable(now: Date): boolean {
    return this.endedAt === null && (this.expiresAt === null || this.expiresAt > now);
  }

  /** Whether it gives all rights now, to whoever has it, wherever he is. At least one such key must remain. */
  isUsableAdmin(now: Date): boolean {
    const isWhole = this.ownerId === null && this.group === null && this.allowedNetworks.length === 0;
    return this.permission === 'admin' && isWhole && this.isUsable(now);
  }

  /** Whether `hash` is that of its secret, or of the one before while the overlap lasts. Takes the same time for every wrong one. */
  opensWith(hash: Buffer, now: Date): 'current' | 'previous' | undefined {
    if (!this.isUsable(now)) return undefined;
    const isCurrent = timingSafeEqual(hash, this.secretHash);
    const isPrevious = this.previousHash !== null && timingSafeEqual(hash, this.previousHash);
    if (isCurrent) return 'current';
    return isPrevious && this.previousExpiresAt !== null && this.previousExpiresAt > now ? 'previous' : undefined;
  }

  /** Until when an answer about the secret that opened it is true; undefined: until the key is changed. */
  opensUntil(secret: 'current' | 'previous'): Date | undefined {
    if (secret === 'current' || this.previousExpiresAt === null) return this.expiresAt ?? undefined;
    return this.expiresAt !== null && this.expiresAt < this.previousExpiresAt ? this.expiresAt : this.previousExpiresAt;
  }

  /** Takes a new secret; the present one works on until `overlapUntil` (undefined: not at all). One older still ends at once. */
  rotate(secretHash: Buffer, overlapUntil: Date | undefined): void {
    this.previousHash = overlapUntil === undefined ? null : this.secretHash;
    this.previousExpiresAt = overlapUntil ?? null;
    this.secretHash = secretHash;
  }

  /** Whether these terms would leave less of an admin key: no admin any more, limited, or ending sooner. */
  isWeakenedBy(terms: Partial<KeyTerms>): boolean {
    if (terms.permission !== undefined && terms.permission !== 'admin') return true;
    if ((terms.group ?? null) !== null || (terms.allowedNetworks ?? []).length > 0) return true;
    if (terms.expiresAt === undefined) return false;
    return this.expiresAt === null || terms.expiresAt < this.expiresAt;
  }

  change(terms: Partial<KeyTerms>): void {
    if (terms.name !== undefined) this.name = terms.name;
    if (terms.description !== undefined) this.description = terms.description;
    if (terms.permission !== undefined) this.permission = terms.permission;
    if (terms.permissions !== undefined) this.permissions = terms.permissions;
    if (terms.group !== undefined) this.group = terms.group;
    if (terms.allowedNetworks !== undefined) this.allowedNetworks = terms.allowedNetworks;
    if ('expiresAt' in terms) this.expiresAt = terms.expiresAt ?? null;
  }

  /** Ends it; ending twice keeps the first moment, and a deletion is never weakened. */
  end(why: KeyEnd, now: Date): void {
    this.endedAt ??= now;
    if (this.ended !== 'deleted') this.ended = why;
  }

  /** Takes back that it was no longer in the settings. Does nothing for a deleted key. */
  listAgain(): void {
    if (this.ended !== 'unlisted') return;
    this.endedAt = null;
    this.ended = null;
  }
}

/** What of a key stays as it was made. */
interface KeyIdentity {
  readonly id: string;
  readonly prefix: string;
  readonly origin: KeyOrigin;
  readonly ownerId: string | null;
  readonly secretHash: Buffer;
  readonly createdAt: Date;
}

/** A key as people see it: nothing that opens anything. */
export interface ApiKeyView {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly description: string;
  readonly permission: KeyPermission;
  readonly permissions: readonly string[];
  readonly group: string | null;
  readonly allowedNetworks: readonly string[];
  readonly ownerId: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly previousExpiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** `key` as it stands at `now`: an overlap that is over is not shown. */
export const viewOf = (key: ApiKey, now: Date): ApiKeyView => ({
  id: key.id,
  prefix: key.prefix,
  name: key.name,
  description: key.description,
  permission: key.permission,
  permissions: permissionsOfKey(key),
  group: key.group,
  allowedNetworks: key.allowedNetworks,
  ownerId: key.ownerId,
  createdAt: key.createdAt,
  expiresAt: key.expiresAt,
  previousExpiresAt: key.previousExpiresAt !== null && key.previousExpiresAt > now ? key.previousExpiresAt : null,
  lastUsedAt: key.lastUsedAt,
});

/** What a key gives at most; a user's key gives what its owner may of that. */
export function permissionsOfKey({
  permission,
  permissions,
}: Pick<ApiKey, 'permission' | 'permissions'>): readonly string[] {
  if (permission === 'custom') return permissions;
  return permission === 'owner' ? ['*'] : permissionsOf[permission];
}
