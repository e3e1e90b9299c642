import type { Principal } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { LeasedQuotas, Standing } from '../../../app/limits/leased-quotas.ts';
import type { RefusalReports } from '../../../app/limits/refusal-reports.ts';
import { delayOf, type SlowAnswers } from '../../../app/limits/slow-answers.ts';
import { subjectOfAddress } from '../../../domain/limits/counted-address.ts';
import { type CountedSubject, type LimitFacts, limitsFor } from '../../../domain/limits/counted-limits.ts';
import { callerGone } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { groupOf, isCounted } from '../server/endpoint-groups.ts';

/** What limits are kept with. */
export interface LimitGuard {
  readonly facts: LimitFacts;
  readonly quotas: LeasedQuotas;
  readonly slow: SlowAnswers;
  readonly refusals: RefusalReports;
  /** Addresses that are neither counted nor kept out. */
  readonly isExempt: (address: string) => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const windowNames: Readonly<Record<number, string>> = { 60: 'a minute', 3600: 'an hour', 86400: 'a day' };

/** Keeps blocked addresses out before anything is done for them, counts requests by address, and notes refusals. First of all that may refuse. */
export function registerAddressLimits(app: App, guard: LimitGuard): void {
  app.addHook('onRequest', async (request, reply) => {
    if (guard.isExempt(request.ip)) return;
    await guard.facts.unknown();
    const subject = subjectOfAddress(request.ip);
    refuseBlocked(guard, subject, 'ADDRESS_BLOCKED');
    if (!isCounted(request)) return;
    await count(guard, request, reply, [{ kind: 'address', subject, userId: '', groups: [] }]);
  });
  app.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode !== 401 && reply.statusCode !== 429) return;
    if (!guard.isExempt(request.ip)) guard.refusals.note(subjectOfAddress(request.ip));
  });
}

/** Keeps blocked users and keys out, and counts the requests of others. To be registered after the hook that knows who asks. */
export function registerCallerLimits(app: App, guard: LimitGuard): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.principal === null) return;
    await guard.facts.unknown();
    const subjects = subjectsOf(request.principal);
    for (const { subject } of subjects) refuseBlocked(guard, subject, 'CALLER_BLOCKED');
    // Signing out everywhere has to work also for a user whose limit somebody else used up; guarded routes count for the address.
    const countsForCaller = isCounted(request) && groupOf(request).rate !== 'guarded';
    if (countsForCaller) await count(guard, request, reply, subjects);
  });
}

/** Whose requests these are. What a user's key sends counts for both. */
export function subjectsOf({ id, kind, userId, groups }: Principal): readonly CountedSubject[] {
  const user = userId || (kind === 'user' ? id : '');
  const key = { kind: 'key', subject: `key:${id}`, userId: '' } as const;
  if (user === '') return [{ ...key, groups }];
  const counted = { kind: 'user', subject: `user:${user}`, userId: user, groups } as const;
  return kind === 'user' ? [counted] : [counted, { ...key, groups: [] }];
}

function refuseBlocked({ facts, now }: LimitGuard, subject: string, code: 'ADDRESS_BLOCKED' | 'CALLER_BLOCKED'): void {
  const nowMs = now();
  const block = facts.blockOf(subject, new Date(nowMs));
  if (block === undefined) return;
  const rest = block.until && { retryAfterSeconds: Math.max(1, Math.ceil((block.until.getTime() - nowMs) / 1_000)) };
  const who = code === 'ADDRESS_BLOCKED' ? 'This address' : 'Whoever holds this key or token';
  const message = `${who} is kept out${rest ? ' for a time' : ''}. ${block.reason}`.trim();
  throw new DomainError('forbidden', code, message, { ...rest });
}

async function count(
  guard: LimitGuard,
  request: AnyRequest,
  reply: AnyReply,
  subjects: readonly CountedSubject[],
): Promise<void> {
  const group = groupOf(request);
  const guarded = group.rate === 'guarded';
  const limits = subjects.flatMap((subject) => limitsFor(guard.facts, subject, group.name, guarded));
  if (limits.length === 0) return;
  const taken = guard.quotas.take(limits);
  const standings = taken instanceof Promise ? await taken : taken;
  tellStanding(reply, standings, guard.now());
  const refused = standings.filter(({ allowed }) => !allowed);
  if (refused.length > 0) throw overLimit(refused, guard.now());
  const delayMs = Math.max(...standings.map(({ spent, limit }) => delayOf(spent - limit.requests, limit.requests)));
  if (delayMs === 0) return;
  if (!(await guard.slow.wait(delayMs, callerGone(reply)))) throw overLimit(standings, guard.now());
  if (guard.slow.stopped) reply.header('Connection', 'close'); // a connection that is kept would hold up the stop
}

const leftOf = ({ spent, limit }: Standing): number => Math.max(0, limit.requests - spent);
const resetOf = ({ endsAtMs }: Standing, nowMs: number): number => Math.max(1, Math.ceil((endsAtMs - nowMs) / 1_000));

/** The headers tell of the limit of which least is left. An earlier hook may have told of another one. */
function tellStanding(reply: AnyReply, standings: readonly Standing[], nowMs: number): void {
  const tightest = standings.reduce((one, other) => (leftOf(other) < leftOf(one) ? other : one));
  reply.header('RateLimit-Limit', tightest.limit.requests).header('RateLimit-Remaining', leftOf(tightest));
  reply.header('RateLimit-Reset', resetOf(tightest, nowMs));
}

function overLimit(refused: readonly Standing[], nowMs: number): DomainError {
  const last = refused.reduce((one, other) => (other.endsAtMs > one.endsAtMs ? other : one));
  const { requests, windowSeconds, endpointGroup } = last.limit;
  const of = endpointGroup === '' ? '' : ` of the endpoint group ${endpointGroup}`;
  const message = `More than ${requests} requests${of} in ${windowNames[windowSeconds] ?? `${windowSeconds} seconds`}.`;
  const code = windowSeconds === 60 ? 'RATE_LIMITED' : 'QUOTA_EXCEEDED';
  return new DomainError('rate_limited', code, message, { retryAfterSeconds: resetOf(last, nowMs) });
}
