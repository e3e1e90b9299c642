import type { Operation } from '../../domain/operations/operation.ts';
import type { IdentityClaim } from '../../domain/vms/vm-update.ts';
import type { Books } from '../ports.ts';

/** Takes what operations need of names and MACs. Those that lost one are named, with what they lost; they keep the others they got. */
export async function takeClaims(
  books: Books,
  asking: readonly { readonly operation: Operation; readonly claims: readonly IdentityClaim[] }[],
): Promise<ReadonlyMap<string, IdentityClaim>> {
  const claims = asking.flatMap((one) => one.claims);
  const taken = new Set((await books.claims.take(claims)).map(({ vmId, kind, value }) => `${vmId} ${kind} ${value}`));
  return new Map(
    asking.flatMap(({ operation, claims: own }) => {
      const lost = own.find(({ vmId, kind, value }) => taken.has(`${vmId} ${kind} ${value}`));
      return lost ? [[operation.id, lost] as const] : [];
    }),
  );
}
