import { createHash } from 'node:crypto';
import type { Principal } from '@berth/contracts';
import { DomainError, isKind } from '@berth/errors';
import { type Networks, networksOf } from './networks.ts';

/** Who holds a key, and until when that is true at the latest. */
export interface VerifiedKey {
  readonly principal: Principal;
  readonly expiresAt?: Date;
  /** From where the key may be used, CIDR; none: from everywhere. */
  readonly allowedNetworks?: readonly string[];
}

/** Who holds a key, and from where; no networks: from everywhere. */
interface Holder {
  readonly principal: Principal;
  readonly networks: Networks | undefined;
}

export interface KeyCacheOptions {
  /** Asks the auth service. Throws `unauthenticated` for a key that nobody holds. */
  readonly verify: (apiKey: string) => Promise<VerifiedKey>;
  /** Whether every change of a key up to a moment ago was told. While it is not, nobody is let in by what is remembered. */
  readonly isCurrent: () => boolean;
  /** How long an answer is believed, in milliseconds; 0 asks each time. */
  readonly ttlMs: number;
  /** How long it is believed that nobody holds a key. */
  readonly refusalTtlMs: number;
  /** Of held keys, and of refused ones. */
  readonly maxEntries: number;
  readonly onLookup?: (result: 'hit' | 'miss') => void;
}

/** One answer for what is no key, for keys that nobody holds and for those that must not be used from there: who found one learns nothing from it. */
export const keyInvalid = (): DomainError =>
  new DomainError('unauthenticated', 'API_KEY_INVALID', 'This key is not valid.');

interface Entry {
  readonly answer: Holder | DomainError;
  readonly until: number;
}

/**
 * Remembers for a short time who holds which API key, so that not every request asks the auth service. Keys are kept as their SHA-256
 * only. A key that is revoked is forgotten at once by `forget`; whoever has missed such a notice calls `clear`, and while one may have been
 * missed auth is asked each time.
 */
export class KeyCache {
  readonly #options: KeyCacheOptions;
  readonly #held = new Map<string, Entry>();
  /** Apart from the held ones, so that guessing keys does not push those out. */
  readonly #refused = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();
  readonly #inFlight = new Map<string, Promise<Holder>>();
  /** Grows with each notice; an answer that was asked for before is not kept. */
  #generation = 0;

  constructor(options: KeyCacheOptions) {
    this.#options = options;
  }

  /**
   * Who holds `apiKey` and uses it from `address`. Many who ask at once cause one question. Throws `unauthenticated`, also where the key
   * must not be used from there, or `unavailable` when auth is away.
   */
  async principalOf(apiKey: string, address = ''): Promise<Principal> {
    const { principal, networks } = await this.#holderOf(apiKey);
    if (networks === undefined || networks.has(address)) return principal;
    throw keyInvalid();
  }

  async #holderOf(apiKey: string): Promise<Holder> {
    const digest = digestOf(apiKey);
    const held = this.#options.isCurrent() ? fresh(this.#held, digest) : undefined;
    const known = held ?? fresh(this.#refused, digest);
    this.#options.onLookup?.(known === undefined ? 'miss' : 'hit');
    if (known instanceof Error) throw known;
    if (known !== undefined) return known;
    const asked = this.#inFlight.get(digest);
    if (asked !== undefined) return asked;
    const asking = this.#ask(apiKey, digest).finally(() => {
      if (this.#inFlight.get(digest) === asking) this.#inFlight.delete(digest);
    });
    this.#inFlight.set(digest, asking);
    return asking;
  }

  /** Whether it is believed at the moment that somebody holds `apiKey`, so that nobody need be asked. */
  knows(apiKey: string): boolean {
    return fresh(this.#held, digestOf(apiKey)) !== undefined;
  }

  /** Forgets what the principal with this id may do. */
  forget(principalId: string): void {
    this.#forgetWhere(({ id }) => id === principalId);
  }

  /** Forgets all keys of a user. */
  forgetOf(userId: string): void {
    this.#forgetWhere((principal) => principal.userId === userId);
  }

  /** Forgets everything. */
  clear(): void {
    this.#forgetUnsettled();
    this.#held.clear();
    this.#tell();
  }

  /** Calls `listener` whenever something was forgotten: whoever was let in before may have to ask again. Gives back its stop. */
  onForgotten(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #forgetWhere(concerned: (principal: Principal) => boolean): void {
    this.#forgetUnsettled();
    for (const [digest, { answer }] of this.#held) {
      if (!(answer instanceof Error) && concerned(answer.principal)) this.#held.delete(digest);
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #forgetUnsettled(): void {
    this.#generation++;
    this.#refused.clear();
    this.#inFlight.clear(); // who asks from now on must not get an answer from before
  }

  async #ask(apiKey: string, digest: string): Promise<Holder> {
    const generation = this.#generation;
    try {
      const { principal, expiresAt, allowedNetworks = [] } = await this.#options.verify(apiKey);
      const holder = { principal, networks: allowedNetworks.length === 0 ? undefined : networksOf(allowedNetworks) };
      const until = Math.min(Date.now() + this.#options.ttlMs, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
      if (generation === this.#generation) this.#keep(this.#held, digest, { answer: holder, until });
      return holder;
    } catch (error) {
      if (!isKind(error, 'unauthenticated')) throw error;
      const answer = keyInvalid();
      const until = Date.now() + this.#options.refusalTtlMs;
      if (generation === this.#generation) this.#keep(this.#refused, digest, { answer, until });
      throw answer;
    }
  }

  #keep(entries: Map<string, Entry>, digest: string, entry: Entry): void {
    const oldest = entries.keys().next();
    if (entries.size >= this.#options.maxEntries && !oldest.done) entries.delete(oldest.value);
    entries.set(digest, entry);
  }
}

const digestOf = (apiKey: string): string => createHash('sha256').update(apiKey).digest('base64');

/** What is still true of an entry. One that is used moves to the end, so that the least used one leaves first. */
function fresh(entries: Map<string, Entry>, digest: string): Entry['answer'] | undefined {
  const entry = entries.get(digest);
  if (entry === undefined) return undefined;
  entries.delete(digest);
  if (entry.until <= Date.now()) return undefined;
  entries.set(digest, entry);
  return entry.answer;
}
