import type { ReserveRequestSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import type { PoolKind } from '../../../domain/pools/pool-terms.ts';
import { parsePoolAddress } from '../../../domain/pools/value-spans.ts';
import { parsePlainText } from '../../../domain/router-text.ts';
import type { reservationBodies } from './pool-bodies.ts';
import { protocols } from './to-pool-values.ts';

type Body = Static<(typeof reservationBodies)[PoolKind]>;

/** The values that a body wants kept, without their pool. Throws once, naming every field that is wrong. */
export function toReservation(body: Body): Omit<MessageInitShape<typeof ReserveRequestSchema>, 'pool' | '$typeName'> {
  const checks = new FieldChecks();
  const first = orderOf('first', body.first, checks);
  const last = orderOf('last', body.last, checks);
  if (body.last !== undefined && body.first === undefined) checks.add('last', 'needs a first');
  if (body.last !== undefined && body.count !== undefined) checks.add('count', 'says the same as last: give one');
  if (first !== undefined && last !== undefined && first > last) checks.add('last', 'must not be before first');
  checks.of('note', () => parsePlainText(body.note ?? ''));
  checks.finish();
  return {
    first: String(body.first ?? ''),
    last: String(body.last ?? ''),
    count: body.count ?? 0,
    protocols: 'protocols' in body ? (body.protocols ?? []).map((protocol) => protocols[protocol]) : [],
    note: body.note ?? '',
    ...(body.lifetime_seconds !== undefined && { lifetime: { seconds: BigInt(body.lifetime_seconds) } }),
  };
}

/** Where a value stands among others: an address as a number, other values as they are. */
const orderOf = (field: string, value: string | number | undefined, checks: FieldChecks): number | undefined =>
  typeof value === 'string' ? checks.of(field, () => parsePoolAddress(value)) : value;
