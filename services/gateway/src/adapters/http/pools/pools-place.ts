import { type PoolKind, poolKinds } from '../../../domain/pools/pool-terms.ts';
import { tags } from './pool-requests.ts';
import { poolDocumentIds } from './pool-schemas.ts';

/** The address of a kind of pools. */
export interface PoolPlace {
  readonly kind: PoolKind;
  readonly path: string;
  /** The address that is meant: idempotency keys are the same at all of them. */
  readonly canonicalPath: string;
  readonly isAlias: boolean;
}

/** Where the pools of each kind are. */
export const canonicalPlaces: readonly PoolPlace[] = poolKinds.map((kind) => {
  const path = `/v1/pools/${kind}`;
  return { kind, path, canonicalPath: path, isAlias: false };
});

/** Where clients from before look for them. */
export const aliasPlaces: readonly PoolPlace[] = canonicalPlaces.map((place) => ({
  ...place,
  path: `/v1/admin/${place.kind}`,
  isAlias: true,
}));

const words: Record<PoolKind, string> = {
  'ip-pools': 'IP pool',
  'port-pools': 'port pool',
  'rule-pools': 'rule number pool',
};

/** What the document says of a route about a kind: `{}` stands for its document in the operation's id, and for its words in the summary. */
export const described = ({ kind, isAlias }: PoolPlace, operationId: string, summary: string) => ({
  operationId: operationId.replace('{}', poolDocumentIds[kind]) + (isAlias ? 'Alias' : ''),
  summary: summary.replace('{}', words[kind]).replace(/\ba (?=IP)/, 'an '),
  tags,
  deprecated: isAlias,
});
