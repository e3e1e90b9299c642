import {
  automaticBlock,
  type Block,
  type BlockingTerms,
  blockFact,
  blockNotFound,
  checkSubject,
  endOf,
  isBlocked,
  resourceOf,
} from '../../domain/limits/block.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

/** Everybody hears of the end of a block at once; who was away for longer begins again, without it. */
const liftedIsToldForMs = 86_400_000;

/** Keeps somebody out because somebody wants it. Throws `invalid` for what is no subject. */
export async function addBlock(
  transaction: AuthTransaction,
  { subject, reason, seconds, by }: { subject: string; reason: string; seconds: number; by: string },
): Promise<Block> {
  checkSubject(subject);
  await transaction.alone('blocks');
  const { now } = transaction;
  const block = {
    ...{ subject, reason, by },
    blockedAt: now,
    until: endOf(now, seconds),
    automatic: false,
    repetitions: 0,
  };
  await keepOut(transaction, [block]);
  return block;
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
  transaction.audit({ action: `${resource.type}.unblocked`, resource, before: shown(block) });
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
    transaction.audit({ action: `${resource.type}.blocked`, resource, after: shown(block) });
    transaction.publish({ what: `${resource.type}.blocked`, subject: resource, reason: block.reason });
  }
}

const shown = ({ reason, until, automatic, repetitions }: Block) => ({ reason, until, automatic, repetitions });
