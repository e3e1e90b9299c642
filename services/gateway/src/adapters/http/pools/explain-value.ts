import type { ExplainValueRequestSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parsePoolAddress } from '../../../domain/pools/value-spans.ts';
import { poolMethods as method } from '../../nats/pool-service.ts';
import type { App } from '../app-types.ts';
import { responses } from '../problem-schemas.ts';
import { explainQuery } from './allocation-schemas.ts';
import { asking, type PoolDeps, reading, tags } from './pool-requests.ts';
import { showExplainedValue } from './show-allocation.ts';

/** Tells who holds a value, or why nobody can have it. */
export function explainValueRoutes(app: App, deps: PoolDeps): void {
  const schema = {
    operationId: 'explainValue',
    summary: 'Explain a value',
    description:
      'Who holds an address, an external port or a rule number, of which pool it is, and whether it can be handed out.',
    tags,
    querystring: explainQuery,
    response: responses({ 200: { $ref: 'ExplainedValue#' } }, 422),
  };
  app.get('/v1/pools/explain', { schema, config: reading }, async (request, reply) => {
    const question = toQuestion(request.query);
    return reply.send(showExplainedValue(await asking(deps, request).read(method.explainValue, question)));
  });
}

type Query = Static<typeof explainQuery>;
type Question = MessageInitShape<typeof ExplainValueRequestSchema>;

/** Throws once, naming every field that is wrong. */
function toQuestion({ address, port, rule_number: ruleNumber, router = '', external_ip: externalIp }: Query): Question {
  const checks = new FieldChecks();
  const values = [
    ...(address === undefined ? [] : [{ case: 'address' as const, value: address }]),
    ...(port === undefined ? [] : [{ case: 'port' as const, value: port }]),
    ...(ruleNumber === undefined ? [] : [{ case: 'ruleNumber' as const, value: ruleNumber }]),
  ];
  const [value, second] = values;
  if (value === undefined) checks.add('address', 'is required, or port or rule_number');
  if (second !== undefined)
    checks.add(second.case === 'port' ? 'port' : 'rule_number', 'is one value too many: give one');
  if (address !== undefined) checks.of('address', () => parsePoolAddress(address));
  if (externalIp !== undefined) checks.of('external_ip', () => parsePoolAddress(externalIp));
  if (externalIp !== undefined && port === undefined) checks.add('external_ip', 'is for ports only');
  checks.finish();
  return { router, externalIp: externalIp ?? '', ...(value && { value }) };
}
