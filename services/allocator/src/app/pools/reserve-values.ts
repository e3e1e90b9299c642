import { deadlinePassed, poolNotActive } from '../../domain/errors.ts';
import { formatIpv4 } from '../../domain/ipv4.ts';
import { checkReservation, type ReservationDraft } from '../../domain/pools/check-reservation.ts';
import { type Pool, resourceName } from '../../domain/pools/pool.ts';
import type { Reservation } from '../../domain/pools/pool-change.ts';
import { noRunLeft, reservationNotFound, valueTaken } from '../../domain/pools/pool-errors.ts';
import { invalidFields } from '../../domain/pools/validate-pool.ts';
import { isUuid } from '../../domain/text-rules.ts';
import { LookAgain } from '../ports.ts';
import type { PoolBooks, PoolLedger, Reserved } from './pool-ports.ts';
import { assertMayWritePool, lockPool, type PoolWrite } from './write-pools.ts';

/** Keeps values of a pool by hand. `id` is the reservation's, chosen before. */
export async function reserveValues(
  books: PoolBooks,
  write: PoolWrite,
  wish: { readonly id: string; readonly pool: string; readonly draft: ReservationDraft },
): Promise<Reservation> {
  const { pool, now } = await lockPool(books, wish.pool, write, 'pool');
  const { lifetimeMs, note, ...checked } = checkReservation(wish.draft, pool.spec);
  if (pool.state !== 'active') throw poolNotActive(resourceName(pool), pool.state);
  const reservation = {
    ...{ id: wish.id, pool, protocols: checked.protocols, note },
    expiresAt: lifetimeMs === undefined ? null : new Date(now.getTime() + lifetimeMs),
    ...{ principalId: write.caller.id, principalName: write.caller.name },
    createdAt: now,
  };
  const taken = await books.reservations.take(reservation, checked);
  if (!('got' in taken)) throw refusalOf(pool, taken, checked.count);
  const made: Reservation = { ...reservation, ...taken.got };
  books.tell({ kind: 'reserved', pool, reservation: made, at: now });
  return made;
}

/** Gives reserved values back at once. */
export async function releaseReservation(books: PoolBooks, write: PoolWrite, id: string): Promise<void> {
  const seen = isUuid(id) ? await books.reservations.find(id) : undefined;
  const { routers, now } = await books.lock(seen ? [seen.pool.router] : []);
  if (write.deadline.getTime() <= now.getTime()) throw deadlinePassed();
  const reservation = seen && (await books.reservations.find(id));
  if (reservation === undefined) throw reservationNotFound(id);
  assertMayWritePool(write.caller, reservation.pool, () => reservationNotFound(id));
  if (!routers.has(reservation.pool.router)) throw new LookAgain();
  await books.reservations.release(reservation);
  books.tell({ kind: 'released', pool: reservation.pool, reservation, at: now });
}

/** Ends reservations whose time is over. Gives back how many there were. Any replica may run it at any time. */
export async function endReservations(ledger: PoolLedger): Promise<number> {
  const due = await ledger.routersWithEndedReservations();
  if (due.length === 0) return 0;
  return ledger.transaction(async (books) => {
    const { now } = await books.lock(due);
    const ended = await books.reservations.endDue(due);
    for (const reservation of ended) books.tell({ kind: 'released', pool: reservation.pool, reservation, at: now });
    return ended.length;
  });
}

function refusalOf(pool: Pool, refused: Exclude<Reserved, { got: unknown }>, count: number) {
  const name = resourceName(pool);
  switch (refused.refused) {
    case 'not of the pool':
      return invalidFields([{ field: 'first', message: `not all of it is handed out by ${name}` }]);
    case 'none left':
      return noRunLeft(pool.spec.kind, name, count);
    case 'taken': {
      const { first, last, holder } = refused.by;
      const text = (value: number) => (pool.spec.kind === 'ip-pools' ? formatIpv4(value) : String(value));
      return valueTaken(name, first === last ? text(first) : `${text(first)}-${text(last)}`, holder);
    }
  }
}
