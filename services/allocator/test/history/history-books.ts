import type { World } from '../support/world.ts';
import { type BooksAtRest, type Span, textIn } from './history-checker.ts';

/** What the database says of every number, name and MAC address, in one snapshot. */
export async function booksAtRest(world: World): Promise<BooksAtRest> {
  const spans = await world.query<Span & { part: 'pool' | 'free' | 'vm' | 'withheld'; vm_id: string | null }>(
    `WITH parts AS (
       SELECT 'pool' AS part, space_id, lower(span) AS first, upper(span) - 1 AS last, NULL AS vm_id FROM segment_ranges
       UNION ALL
       SELECT 'free', g.space_id, f.first, f.last, NULL FROM free_spans f JOIN segments g ON g.id = f.segment_id
       UNION ALL
       SELECT CASE kind WHEN 'vm' THEN kind ELSE 'withheld' END, space_id, lower(held), upper(held) - 1, vm_id::text FROM allocations
     )
     SELECT p.part, trim(s.kind || ' ' || s.external_ip) AS space, p.first::float8 AS first, p.last::float8 AS last, p.vm_id
     FROM parts p JOIN spaces s ON s.id = p.space_id`,
  );
  const claims = await world.query<{ kind: string; value: string; vm_id: string }>(
    'SELECT kind, value, vm_id::text FROM claims WHERE vm_id IS NOT NULL',
  );
  const part = (wanted: string) => spans.filter((span) => span.part === wanted);
  return {
    pools: part('pool'),
    free: part('free'),
    held: part('vm').map((span) => ({ ...span, vmId: span.vm_id ?? '' })),
    withheld: part('withheld'),
    claimed: claims.map(({ kind, value, vm_id }) => ({
      value: textIn(kind === 'vm_name' ? 'name' : kind, value),
      vmId: vm_id,
    })),
  };
}
