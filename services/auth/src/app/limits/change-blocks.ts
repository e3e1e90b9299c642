import type { GroupPolicy } from '@berth/contracts';
import { userNotFound } from '../../domain/errors.ts';
import { permissionsOfKey } from '../../domain/keys/api-key.ts';
import { apiKeyNotFound } from '../../domain/keys/key-errors.ts';
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
import type { Asker } from '../asker.ts';
import { auditedBlock } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { decidedBy } from '../users/administered-user.ts';

/** Everybody hears of the end of a block at once; who was away for longer begins again, without it. */
const liftedIsToldForMs = 86_400_000;

/**
 * Keeps somebody out because `asker` wants it. Throws `invalid` for what is no subject, `not_found` for a user or key that is not there,
 * `conflict` OWN_BLOCK, and `forbidden` where it would keep out who holds more than the asker.
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
  const [earlier] = await transaction.limits.blocksOf([subject]);
  const block = {
    ...{ subject, reason, by: decidedBy(asker) },
    blockedAt: now,
    until: endOf(now, seconds),
    automatic: false,
    repetitions: 0,
  };
  await keepOut(transaction, [block], isBlocked(earlier, now) ? earlier : undefined);
  return block;
}

/** Whoever blocks can lift it again: of two who keep each other out at the same moment, one stays. */
async function assertAskerRemains(transaction: AuthTransaction, { principal }: Asker, subject: string): Promise<void> {
  const own = principal === undefined ? [] : subjectsOf(principal);
  if (own.includes(subject)) throw ownBlock();
  const blocks = await transaction.limits.blocksOf(own);
  if (blocks.some((block) => isBlocked(block, transaction.now))) throw askerBlocked();
}

/** What the user or the key may do, as groups say it; of a user's key what its owner may, which is never less. Nothing of an address. */
function rightsOfSubject(transaction: AuthTransaction, subject: string): Promise<readonly GroupPolicy[]> {
  const { type, id } = resourceOf(subject);
  if (type === 'address') return Promise.resolve([]);
  return type === 'user' ? rightsOfUser(transaction, id) : rightsOfKey(transaction, id);
}

async function rightsOfUser({ users, groups }: AuthTransaction, id: string) {
  const user = await users.byId(id);
  if (user === undefined) throw userNotFound();
  return groups.byNames(user.groups);
}

async function rightsOfKey(transaction: AuthTransaction, id: string) {
  const { apiKeys } = transaction;
  const ownerId = await apiKeys.ownerOf(id);
  const ofOwner = ownerId === undefined ? undefined : await rightsOfUser(transaction, ownerId);
  const key = await apiKeys.byId(id);
  if (key === undefined || key.endedAt !== null) throw apiKeyNotFound(id);
  return ofOwner ?? [{ name: key.group ?? '', permissions: permissionsOfKey(key), everywhere: key.group === null }];
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

/** `replaced`: what kept them out until now. */
async function keepOut(transaction: AuthTransaction, blocks: readonly Block[], replaced?: Block): Promise<void> {
  await transaction.limits.saveBlocks(blocks);
  for (const block of blocks) {
    const resource = resourceOf(block.subject);
    transaction.tell(blockFact(block), block.until);
    const before = replaced && auditedBlock(replaced);
    transaction.audit({
      action: `${resource.type}.blocked`,
      resource,
      ...(before && { before }),
      after: auditedBlock(block),
    });
    transaction.publish({ what: `${resource.type}.blocked`, subject: resource, reason: block.reason });
  }
}
