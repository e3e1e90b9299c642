import { DomainError } from '@berth/errors';
import type { Fact } from '../access-facts.ts';
import { refuseFields } from '../errors.ts';
import { forEver } from '../users/user.ts';

/** Somebody who is kept out until a moment; it lifts itself then. */
export interface Block {
  /** `ip:192.0.2.1`, `ip:2001:db8::/64`, `user:<id>` or `key:<id>`. */
  readonly subject: string;
  readonly reason: string;
  readonly blockedAt: Date;
  /** `forEver`: until somebody lifts it. */
  readonly until: Date;
  readonly automatic: boolean;
  /** How often within a day Berth did it by itself. */
  readonly repetitions: number;
  /** Who did it; Berth itself has no id. The name is that of the time, empty where it was not noted. */
  readonly by: { readonly id: string; readonly name: string };
}

/** When Berth keeps an address out by itself. */
export interface BlockingTerms {
  /** So many refusals (401, 429) of one address in a minute, over all gateways; 0: never. */
  readonly afterRefusals: number;
  /** For how long the first time; twice as long with each repetition within a day, up to a day. */
  readonly firstSeconds: number;
}

const daySeconds = 86_400;
const subjectPattern = /^(ip:[0-9a-f.:]{2,45}(\/64)?|(user|key):[0-9A-Za-z-]{1,64})$/;

export const isBlocked = (block: Block | undefined, now: Date): boolean => block !== undefined && block.until > now;

/** The block that too many refusals lead to, after `last`, the one before. */
export function automaticBlock(
  subject: string,
  { last, terms, now }: { last: Block | undefined; terms: BlockingTerms; now: Date },
): Block {
  const recent = last?.automatic && now.getTime() - last.until.getTime() < daySeconds * 1_000;
  const repetitions = recent ? last.repetitions + 1 : 1;
  const seconds = Math.min(terms.firstSeconds * 2 ** Math.min(repetitions - 1, 20), daySeconds);
  return {
    ...{ subject, blockedAt: now, repetitions, by: { id: '', name: '' } },
    reason: 'Too many requests were refused.',
    until: new Date(now.getTime() + seconds * 1_000),
    automatic: true,
  };
}

/** Throws `invalid` for what is no subject of blocks. */
export function checkSubject(subject: string): void {
  if (subjectPattern.test(subject)) return;
  refuseFields([{ field: 'subject', message: 'must be ip:<address>, user:<id> or key:<id>' }]);
}

/** The end of a block that begins now; 0 seconds: until somebody lifts it. */
export const endOf = (now: Date, seconds: number): Date =>
  seconds === 0 ? forEver : new Date(Math.min(now.getTime() + seconds * 1_000, forEver.getTime()));

export const blockFact = ({ subject, until, reason }: Block): Fact => ({ kind: 'block', subject, until, reason });

/** What a caller could be blocked as. */
export const subjectsOf = ({ id, kind, userId }: { id: string; kind: string; userId: string }): readonly string[] => [
  ...(userId === '' ? [] : [`user:${userId}`]),
  ...(kind === 'api_key' ? [`key:${id}`] : []),
];

export const ownBlock = (): DomainError => new DomainError('conflict', 'OWN_BLOCK', 'Nobody keeps themselves out.');

export const askerBlocked = (): DomainError =>
  new DomainError('forbidden', 'CALLER_BLOCKED', 'Whoever holds this key or token is kept out.');

export const blockNotFound = (subject: string): DomainError =>
  new DomainError('not_found', 'BLOCK_NOT_FOUND', 'Nobody of that name is kept out at the moment.', { subject });

/** What public events and the audit log call it. */
export function resourceOf(subject: string): { readonly type: 'address' | 'user' | 'api_key'; readonly id: string } {
  const [kind, id] = [subject.slice(0, subject.indexOf(':')), subject.slice(subject.indexOf(':') + 1)];
  return { type: kind === 'ip' ? 'address' : kind === 'user' ? 'user' : 'api_key', id };
}
