import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { Chosen, Demand } from '../../domain/choose-values.ts';
import { addressTaken, outsidePool } from '../../domain/errors.ts';
import { portSpacesOf } from '../../domain/forward.ts';
import { formatIpv4 } from '../../domain/ipv4.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import { nameOf } from '../../domain/pool-directory.ts';
import type { Asker } from './reserve-values.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';

type Answer = Chosen | DomainError;

/** A range that was wished for and not to be had. */
interface Wish {
  readonly asker: number;
  readonly spaceId: number;
  readonly range: NumberRange;
  /** The pool that the caller named, with the field that holds the range. */
  readonly named: { readonly id: string; readonly name: string; readonly field: string } | undefined;
  readonly isAddress: boolean;
}

/**
 * Says more about ranges that were not to be had: one address that others hold is taken, and a range that has nothing of the pool that was
 * named is the caller's mistake.
 */
export async function explainRefusals(
  sql: Sql,
  catalogue: SpaceCatalogue,
  asked: readonly Asker[],
  chosen: readonly Answer[],
): Promise<Answer[]> {
  const wishes = chosen.flatMap((result, index) => {
    const asker = asked[index];
    return asker && result instanceof DomainError ? wishesOf(asker, index, result.code, catalogue) : [];
  });
  if (wishes.length === 0) return [...chosen];
  const rows = await sql.query<{ wish: number; foreign: boolean; of_pool: boolean }>(
    `SELECT ord::int - 1 AS wish,
       EXISTS (SELECT FROM allocations a WHERE a.space_id = w.space_id AND a.held && w.range AND a.kind = 'foreign') AS foreign,
       EXISTS (SELECT FROM segment_ranges r JOIN segments g ON g.id = r.segment_id
         WHERE r.space_id = w.space_id AND r.span && w.range AND g.pool_id = w.pool_id) AS of_pool
     FROM (SELECT ord, space_id, int8range(first, last, '[]') AS range, pool_id
       FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::uuid[]) WITH ORDINALITY AS g (space_id, first, last, pool_id, ord)) w`,
    [
      wishes.map(({ spaceId }) => spaceId),
      wishes.map(({ range }) => range.first),
      wishes.map(({ range }) => range.last),
      wishes.map(({ named }) => named?.id ?? null),
    ],
  );
  const better = new Map<number, DomainError>();
  for (const { wish, foreign, of_pool } of rows) {
    const { asker, range, named, isAddress } = wishes[wish] ?? {};
    if (asker === undefined || range === undefined) continue;
    if (named && !of_pool) better.set(asker, outsidePool(named.field, named.name));
    else if (isAddress && foreign && range.first === range.last)
      better.set(asker, addressTaken(formatIpv4(range.first)));
  }
  return chosen.map((result, index) => better.get(index) ?? result);
}

function wishesOf({ demand, sources }: Asker, asker: number, code: string, catalogue: SpaceCatalogue): Wish[] {
  const named = ({ pool, only }: typeof sources.ports, field: string) =>
    pool && only ? { id: pool.id, name: nameOf(pool), field } : undefined;
  const spaceOf = (kind: 'address' | 'tcp' | 'udp') =>
    catalogue.find(sources.router, kind, sources.externalIp)?.id ?? 0;
  if (code === 'ADDRESS_POOL_EXHAUSTED' && demand.address?.within) {
    const pool = named(sources.address, 'ip_range');
    return [{ asker, spaceId: spaceOf('address'), range: demand.address.within, named: pool, isAddress: true }];
  }
  if (!['PORT_POOL_EXHAUSTED', 'EXTERNAL_PORT_TAKEN'].includes(code)) return [];
  return portRanges(demand).flatMap(({ range, field, kind }) => {
    const pool = named(sources.ports, field);
    return pool ? [{ asker, spaceId: spaceOf(kind), range, named: pool, isAddress: false }] : [];
  });
}

const portRanges = ({ ports }: Demand) =>
  ports.flatMap(({ exact, count, within, protocol }, index) => {
    const [kind = 'tcp'] = portSpacesOf(protocol);
    if (exact !== 0) {
      return [{ range: { first: exact, last: exact + count - 1 }, field: `ports[${index}].external_port`, kind }];
    }
    return within ? [{ range: within, field: 'port_range', kind }] : [];
  });
