import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import { addressTaken, nothingOfRange, outsidePool } from '../../../domain/errors.ts';
import { portSpacesOf } from '../../../domain/forwards/forward.ts';
import { formatIpv4 } from '../../../domain/ipv4.ts';
import type { NumberRange } from '../../../domain/number-range.ts';
import { nameOf, type OfferedPool } from '../../../domain/pools/pool-directory.ts';
import type { Chosen, Demand } from '../../../domain/values/choose-values.ts';
import type { Asker } from './reserve-values.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';

type Answer = Chosen | DomainError;

/** A range that was wished for and not to be had. */
interface Wish {
  readonly asker: number;
  readonly spaceId: number;
  readonly range: NumberRange;
  /** The pool that it would have come from. */
  readonly pool: OfferedPool | undefined;
  /** The field that holds the range. */
  readonly field: string;
  /** The caller named the pool: what is of none is not wanted. */
  readonly only: boolean;
  readonly isAddress: boolean;
  /** As it was refused. */
  readonly code: string;
}

/**
 * Says more about ranges that were not to be had: one address that others hold is taken, and a range that has nothing of the pool that was
 * named is the caller's mistake. A range that has nothing to give at all is what is named then, not a pool that has enough.
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
  const rows = await sql.query<{ wish: number; foreign: boolean; of_pool: boolean; of_none: boolean }>(
    `SELECT ord::int - 1 AS wish,
       EXISTS (SELECT FROM allocations a WHERE a.space_id = w.space_id AND a.held && w.range AND a.kind = 'foreign') AS foreign,
       EXISTS (SELECT FROM segment_ranges r JOIN segments g ON g.id = r.segment_id
         WHERE r.space_id = w.space_id AND r.span && w.range AND g.pool_id = w.pool_id) AS of_pool,
       EXISTS (SELECT FROM segment_ranges r JOIN segments g ON g.id = r.segment_id
         WHERE r.space_id = w.space_id AND r.span && w.range AND g.pool_id IS NULL) AS of_none
     FROM (SELECT ord, space_id, int8range(first, last, '[]') AS range, pool_id
       FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::uuid[]) WITH ORDINALITY AS g (space_id, first, last, pool_id, ord)) w`,
    [
      wishes.map(({ spaceId }) => spaceId),
      wishes.map(({ range }) => range.first),
      wishes.map(({ range }) => range.last),
      wishes.map(({ pool }) => pool?.id ?? null),
    ],
  );
  const better = new Map<number, DomainError>();
  for (const { wish, ...found } of rows) {
    const refused = wishes[wish];
    const error = refused && betterError(refused, found);
    if (error) better.set(refused.asker, error);
  }
  return chosen.map((result, index) => better.get(index) ?? result);
}

/** What is to be said of a wish, when there is more to say. */
function betterError(
  { range, pool, field, only, isAddress, code }: Wish,
  found: { readonly foreign: boolean; readonly of_pool: boolean; readonly of_none: boolean },
): DomainError | undefined {
  if (only && pool && !found.of_pool) return outsidePool(field, nameOf(pool));
  if (isAddress && found.foreign && range.first === range.last) return addressTaken(formatIpv4(range.first));
  if (only || found.of_pool || found.of_none || code === 'EXTERNAL_PORT_TAKEN') return undefined;
  const { first, last } = range;
  return nothingOfRange(code, isAddress ? `${formatIpv4(first)}-${formatIpv4(last)}` : `${first}-${last}`);
}

function wishesOf({ demand, sources }: Asker, asker: number, code: string, catalogue: SpaceCatalogue): Wish[] {
  const spaceOf = (kind: 'address' | 'tcp' | 'udp') =>
    catalogue.find(sources.router, kind, sources.externalIp)?.id ?? 0;
  if (code === 'ADDRESS_POOL_EXHAUSTED' && demand.address?.within) {
    const wish = { ...sources.address, field: 'ip_range', range: demand.address.within, isAddress: true };
    return [{ ...wish, asker, spaceId: spaceOf('address'), code }];
  }
  if (!['PORT_POOL_EXHAUSTED', 'EXTERNAL_PORT_TAKEN'].includes(code)) return [];
  return portRanges(demand).map(({ kind, ...wish }) => ({
    ...{ ...sources.ports, ...wish, isAddress: false },
    ...{ asker, spaceId: spaceOf(kind), code },
  }));
}

const portRanges = ({ ports }: Demand) =>
  ports.flatMap(({ exact, count, within, protocol }, index) => {
    const [kind = 'tcp'] = portSpacesOf(protocol);
    if (exact !== 0) {
      return [{ range: { first: exact, last: exact + count - 1 }, field: `ports[${index}].external_port`, kind }];
    }
    return within ? [{ range: within, field: 'port_range', kind }] : [];
  });
