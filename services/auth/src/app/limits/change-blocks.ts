import { permissionsOfKey } from '../../domain/keys/api-key.ts';
import {
  askerBlocked,
  automaticBlock,
  type Block,
  type BlockingTerms,
  blockFact,
  blockNotFound,
  checkSubject,
  endOf,
  isBlocked,
  ownBlock,
  resourceOf,
  subjectsOf,
} from '../../domain/limits/block.ts';
import { assertHolds } from '../../domain/users/handed-out.ts';
import { isUuid } from '../../domain/uuid.ts';
import type { Asker } from '../asker.ts';
import { auditedBlock } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

/** Everybody hears of the end of a block at once; who was away for longer begins again, without it. */
const liftedIsToldForMs = 86_400_000;

/**
 * Keeps somebody out because `asker` wants it. Throws `invalid` for what is no subject, `conflict` OWN_BLOCK, and `forbidden` where it would
 * keep out who holds more than the asker.
 */
export async function addBlock(
  transaction: AuthTransaction,
  asker: Asker,
  { subject, reason, seconds }: { subject: string; reason: string; seconds: number },
): Promise<Block> {
  checkSubject(subject);
  await transaction.alone('blocks');
  await assertAskerRemains(transaction, asker, subject);
  assertHolds(asker.principal, await rightsOfSubject(transaction, subject));
  const { now } = transaction;
  const block = {
    ...{ subject, reason, by: asker.principal?.id ?? '' },
    blockedAt: now,
    until: endOf(now, seconds),
    automatic: false,
    repetitions: 0,
  };
  await keepOut(transaction, [block]);
  return block;
}

/** Whoever blocks can lift it again: of two who keep each other out at the same moment, one stays. */
async function assertAskerRemains(transaction: AuthTransaction, { principal }: Asker, subject: string): Promise<void> {
  const own = principal === undefined ? [] : subjectsOf(principal);
  if (own.includes(subject)) throw ownBlock();
  const blocks = await transaction.limits.blocksOf(own);
  if (blocks.some((block) => isBlocked(block, transaction.now))) throw askerBlocked();
}

/** What the user or the key may do, as groups say it; of a user's key what its owner may, which is never less. Nothing of nobody. */
async function rightsOfSubject({ users, groups, apiKeys }: AuthTransaction, subject: string) {
  const { type, id } = resourceOf(subject);
  const userId = type === 'user' ? id : type === 'api_key' ? await apiKeys.ownerOf(id) : undefined;
  const user = userId === undefined ? undefined : await users.byId(userId);
  if (user !== undefined) return groups.byNames(user.groups);
  const key = type === 'api_key' && isUuid(id) ? await apiKeys.byId(id) : undefined;
  if (key === undefined || key.ownerId !== null) return [];
  return [{ name: key.group ?? '', permissions: permissionsOfKey(key), everywhere: key.group === null }];
}

/** Ends a block. Throws `not_found` when there is none at the moment. */
export async function liftBlock(transaction: AuthTransaction, subject: string): Promise<void> {
  await transaction.alone('blocks');
  const { now } = transaction;
  const [block] = await transaction.limits.blocksOf([subject]);
  if (block === undefined || !isBlocked(block, now)) throw blockNotFound(subject);
  await transaction.limits.saveBlocks([{ ...block, until: now }]);
  transaction.tell(
    { kind: 'block', subject, until: undefined, reason: '' },
    new Date(now.getTime() + liftedIsToldForMs),
  );
  const resource = resourceOf(subject);
  transaction.audit({ action: `${resource.type}.unblocked`, resource, before: auditedBlock(block) });
  transaction.publish({ what: `${resource.type}.unblocked`, subject: resource });
}

/** Keeps those out who had too many refusals, unless they are kept out already. */
export async function blockAbusers(
  transaction: AuthTransaction,
  { subjects, terms }: { readonly subjects: readonly string[]; readonly terms: BlockingTerms },
): Promise<void> {
  await transaction.alone('blocks');
  const { now } = transaction;
  const earlier = new Map((await transaction.limits.blocksOf(subjects)).map((block) => [block.subject, block]));
  const free = subjects.filter((subject) => !isBlocked(earlier.get(subject), now));
  await keepOut(
    transaction,
    free.map((subject) => automaticBlock(subject, { last: earlier.get(subject), terms, now })),
  );
}

async function keepOut(transaction: AuthTransaction, blocks: readonly Block[]): Promise<void> {
  await transaction.limits.saveBlocks(blocks);
  for (const block of blocks) {
    const resource = resourceOf(block.subject);
    transaction.tell(blockFact(block), block.until);
    transaction.audit({ action: `${resource.type}.blocked`, resource, after: auditedBlock(block) });
    transaction.publish({ what: `${resource.type}.blocked`, subject: resource, reason: block.reason });
  }
}
