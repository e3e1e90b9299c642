import { type AuditAuthor, permitsForAll, requirePermission, standingAmong } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { deadlinePassed } from '../../domain/errors.ts';
import type { Pool } from '../../domain/pools/pool.ts';
import { poolNotFound, poolWriteForbidden } from '../../domain/pools/pool-errors.ts';
import { invalidFields, parsePoolName } from '../../domain/pools/validate-pool.ts';
import { type Router, routerNotTold, routerUnavailable } from '../../domain/routers/router.ts';
import type { Caller } from '../commands.ts';
import { type KeyUse, LookAgain } from '../ports.ts';
import type { PoolBooks, PoolLedger } from './pool-ports.ts';

/** What goes with each change of pools. */
export interface PoolWrite {
  readonly caller: Caller;
  /** The same caller, as the audit log names it. */
  readonly author: AuditAuthor;
  readonly key: KeyUse | undefined;
  /** After this moment, by the database's clock, it is refused. */
  readonly deadline: Date;
}

/** How an answer is kept for repeats. */
export interface AnswerForm<Answer> {
  encode(answer: Answer): Uint8Array;
  decode(bytes: Uint8Array): Answer;
}

/** Does `work`, which looks whose the pools are, if the caller may change any; once for each Idempotency-Key: a repeat gets the first answer. A refusal binds no key. */
export function writePools<Answer>(
  ledger: PoolLedger,
  { caller, key, ...about }: PoolWrite,
  form: AnswerForm<Answer>,
  work: (books: PoolBooks) => Promise<Answer>,
): Promise<Answer> {
  requirePermission(caller, 'pools:write');
  return ledger.transaction(async (books) => {
    // Before anything is looked up or locked: the first use may have removed what this one is about.
    const earlier = key && (await books.answers.claim(key));
    if (earlier) return form.decode(earlier);
    const answer = await work(books);
    if (key) await books.answers.answer(key, form.encode(answer));
    return answer;
  }, about);
}

/** What `work` would answer, if the caller may; nothing is kept, and no key is bound. */
export function rehearsePools<Answer>(
  ledger: PoolLedger,
  { caller, deadline }: PoolWrite,
  work: (books: PoolBooks) => Promise<Answer>,
): Promise<Answer> {
  requirePermission(caller, 'pools:write');
  return ledger.rehearse(work, { deadline });
}

/** Throws unless the caller may change what is for these groups; for none named: what is for all. */
export function assertMayWriteFor(caller: Caller, groups: readonly string[]): void {
  requirePermission(caller, 'pools:write');
  if (!permitsForAll(caller, 'pools:write', groups)) throw poolWriteForbidden(groups);
}

/** Throws `hidden` when the caller may not see the pool, and `forbidden` when it may see it alone. */
export function assertMayWritePool(caller: Caller, { groups }: Pick<Pool, 'groups'>, hidden: () => DomainError): void {
  const found = standingAmong(caller, { groups, verb: 'pools:write', reading: 'pools:read' });
  if (found === 'hidden') throw hidden();
  if (found === 'forbidden') throw poolWriteForbidden(groups);
}

/** A router with its lock. */
export interface LockedRouter {
  readonly router: Router;
  readonly now: Date;
}

/** Locks the router of something that is to be made. Throws when there is none, or nothing is known of it yet. */
export async function lockRouter(
  books: PoolBooks,
  name: string,
  write: PoolWrite,
  defaultRouter: string,
): Promise<LockedRouter> {
  const { routers, now } = await books.lock([name]);
  if (write.deadline.getTime() <= now.getTime()) throw deadlinePassed();
  const router = routers.get(name);
  if (router?.state === 'removed' || (router === undefined && name !== defaultRouter)) {
    throw new DomainError('invalid', 'UNKNOWN_ROUTER', `There is no router "${name}".`, {
      fields: [{ field: 'router', message: `there is no router "${name}"` }],
    });
  }
  if (router === undefined) throw routerNotTold(name);
  if (router.site === null) throw routerUnavailable(router);
  return { router, now };
}

/** Finds a pool by its name ("ip-pools/edge") that the caller may change, and locks its router: what is given back stays so. Throws when there is none. */
export async function lockPool(
  books: PoolBooks,
  name: string,
  write: PoolWrite,
  field = 'name',
): Promise<LockedRouter & { readonly pool: Pool }> {
  const { kind, id } = readName(name, field);
  const seen = await books.pools.find(kind, id);
  const { routers, now } = await books.lock(seen ? [seen.router] : []);
  if (write.deadline.getTime() <= now.getTime()) throw deadlinePassed();
  if (seen === undefined) throw poolNotFound(name);
  const pool = await books.pools.find(kind, id);
  if (pool === undefined) throw poolNotFound(name);
  assertMayWritePool(write.caller, pool, () => poolNotFound(name));
  const router = routers.get(pool.router);
  if (router === undefined) throw new LookAgain(); // the name went to a pool of another router meanwhile
  return { router, now, pool };
}

/** Kind and id that a pool's name means. Throws `invalid` when it has not the form of one. */
export function readName(name: string, field: string) {
  const parsed = parsePoolName(name);
  if (parsed) return parsed;
  throw invalidFields([{ field, message: 'must be the name of a pool, such as ip-pools/default' }]);
}
