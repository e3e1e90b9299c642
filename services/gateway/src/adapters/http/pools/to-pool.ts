import { type PoolSchema, PoolState } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { type PoolKind, parseThreshold } from '../../../domain/pools/pool-terms.ts';
import { parsePlainText } from '../../../domain/router-text.ts';
import type { newPoolBodies } from './pool-bodies.ts';
import { type PoolBody, readValues } from './to-pool-values.ts';

type NewPoolBody = { [Kind in PoolKind]: Static<(typeof newPoolBodies)[Kind]> };
type PoolInit = MessageInitShape<typeof PoolSchema>;

const states = {
  active: PoolState.ACTIVE,
  draining: PoolState.DRAINING,
  disabled: PoolState.DISABLED,
} as const;

/** The new pool that a body asks for. Throws once, naming every field that is wrong. */
export function toNewPool<Kind extends PoolKind>(kind: Kind, body: NewPoolBody[Kind]): PoolInit {
  const checks = new FieldChecks();
  const terms = readTerms(body, checks);
  const values = readValues(kind, body, checks);
  if (givenValues(kind, body).every((given) => given.every(isEmptyList)))
    checks.add('ranges', 'is required: a pool has at least one value');
  checks.finish();
  return { name: `${kind}/${body.name}`, router: body.router ?? '', ...terms, values };
}

/** The changes of the pool `name` (`ip-pools/edge`) that a body asks for: new values, and the names of those that change. */
export function toPoolChanges<Kind extends PoolKind>(kind: Kind, name: string, body: PoolBody[Kind]) {
  const checks = new FieldChecks();
  const terms = readTerms(body, checks);
  const values = readValues(kind, body, checks);
  if (givenValues(kind, body).every((given) => given.length > 0 && given.every(isEmptyList)))
    checks.add('ranges', 'must not be empty: a pool has at least one value');
  checks.finish();
  const pool: PoolInit = { name, ...terms, values };
  const inner = Object.keys(values.value).map((field) => `${values.case}.${snakeCase(field)}`);
  return { pool, updateMask: { paths: [...Object.keys(terms).map(snakeCase), ...inner] } };
}

/** What all kinds have; only what is given is there. */
function readTerms(body: PoolBody[PoolKind], checks: FieldChecks) {
  const { description, groups, state, alert_thresholds: thresholds } = body;
  if (description !== undefined) checks.of('description', () => parsePlainText(description));
  for (const [index, threshold] of (thresholds ?? []).entries()) {
    checks.of(`alert_thresholds[${index}]`, () => parseThreshold(threshold, thresholds?.[index - 1]));
  }
  return {
    ...(description !== undefined && { description }),
    ...(groups !== undefined && { groups }),
    ...(body.default !== undefined && { isDefault: body.default }),
    ...(state !== undefined && { state: states[state] }),
    ...(thresholds !== undefined && { alertThresholds: thresholds }),
  };
}

/** The members by which a pool gets its values; those side by side say the same. */
const valueFields: Record<PoolKind, readonly (readonly string[])[]> = {
  'ip-pools': [['cidr', 'cidrs'], ['ranges']],
  'port-pools': [['ranges', 'port_range']],
  'rule-pools': [['ranges']],
};

/** What of them a body has. */
const givenValues = (kind: PoolKind, body: object): readonly (readonly unknown[])[] =>
  valueFields[kind].map((fields) =>
    fields.map((field) => Reflect.get(body, field)).filter((value) => value !== undefined),
  );

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
