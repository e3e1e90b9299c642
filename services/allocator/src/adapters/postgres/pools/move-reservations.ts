import type { Sql } from '@berth/database';

/**
 * Reservations that have values in these spaces are of the pool that has those values by now. One whose values are of several stays where it
 * is as long as its pool has any of them, and one of which no pool has anything stays too.
 */
export const moveReservations = (sql: Sql, spaceIds: readonly number[]): Promise<number> =>
  sql.execute(
    `UPDATE reservations r SET pool_id = now.pool_id FROM (
       SELECT DISTINCT ON (a.reservation_id) a.reservation_id, g.pool_id
       FROM allocations a JOIN reservations q ON q.id = a.reservation_id
       JOIN segment_ranges s ON s.space_id = a.space_id AND s.span && a.held
       JOIN segments g ON g.id = s.segment_id AND g.pool_id IS NOT NULL
       WHERE a.reservation_id IN (SELECT reservation_id FROM allocations WHERE kind = 'reserved' AND space_id = ANY($1))
       ORDER BY a.reservation_id, g.pool_id = q.pool_id DESC, lower(a.held * s.span), g.pool_id
     ) now WHERE r.id = now.reservation_id AND r.pool_id <> now.pool_id`,
    [spaceIds],
  );
