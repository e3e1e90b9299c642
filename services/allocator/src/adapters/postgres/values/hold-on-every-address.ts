import type { Sql } from '@berth/database';
import { alive } from '../vms/vm-rows.ts';
import { takeRanges } from './foreign-store.ts';
import type { FreedRange } from './free-ranges.ts';

/**
 * An adopted rule that names no external address takes its ports on every one: also on those that came to be handed out after it was
 * adopted. What others hold there is left to them. Repeatable; needs the router's lock.
 */
export async function holdOnEveryAddress(sql: Sql, router: string): Promise<void> {
  const held = await sql.query<FreedRange>(
    `INSERT INTO allocations (space_id, held, kind, vm_id, slot)
     SELECT s.id, w.held, 'vm', w.vm_id, w.slot
     FROM (
       SELECT v.id AS vm_id, f ->> 'name' AS slot, f ->> 'protocol' AS protocol,
         int8range((f -> 'external' ->> 'first')::bigint, (f -> 'external' ->> 'last')::bigint, '[]') AS held
       FROM vms v CROSS JOIN LATERAL jsonb_array_elements(coalesce(v.wanted, to_jsonb(v)) -> 'forwards') f
       WHERE v.router = $1 AND v.adopted IS NOT NULL AND v.${alive}
         AND f -> 'form' ->> 'destinationAddress' = '' AND jsonb_typeof(f -> 'external') = 'object'
     ) w JOIN spaces s ON s.router = $1 AND s.kind IN ('tcp', 'udp') AND w.protocol IN (s.kind, 'tcp_udp')
     WHERE NOT EXISTS (SELECT FROM allocations a WHERE a.space_id = s.id AND a.held && w.held)
     RETURNING space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last`,
    [router],
  );
  await takeRanges(sql, held);
}
