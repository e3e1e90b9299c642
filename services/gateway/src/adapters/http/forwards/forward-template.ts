import type { ForwardTemplate } from '@berth/contracts';
import { type Static, Type } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { refuseRepeated, refuseReserved } from '../../../domain/forwards/forward-clashes.ts';
import { parseForward } from '../../../domain/forwards/forwards.ts';
import type { ForwardTemplates } from '../../nats/forward-templates.ts';
import { commandContext, ifVersionOf, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, taggedResponses } from '../command-docs.ts';
import { sendWithTag } from '../entity-tag.ts';
import { strict } from '../json-types.ts';
import { problems } from '../problem-schemas.ts';
import { type ForwardTemplateDocument, forwardTemplateBody } from './forward-template-schemas.ts';
import { protocolOf, wordOf } from './protocol-words.ts';

interface TemplateDeps {
  readonly templates: ForwardTemplates;
  readonly commandTimeoutMs: number;
}

const path = '/v1/forward-template';
const tags = ['Forwards'];
const templateQuery = Type.Object(
  { dry_run: Type.Optional(Type.Boolean({ description: 'Answers with what it would be, and keeps nothing.' })) },
  strict,
);

/** The forwards that new VMs get. */
export function forwardTemplateRoutes(app: App, deps: TemplateDeps): void {
  getRoute(app, deps);
  putRoute(app, deps);
}

function getRoute(app: App, { templates }: TemplateDeps): void {
  const schema = {
    operationId: 'getForwardTemplate',
    summary: 'Get the forwards that new VMs get',
    tags,
    headers: ifNoneMatchHeader,
    response: {
      ...taggedResponses('ForwardTemplate', 'The template.'),
      ...problems(401, 403, 429, 500, 503),
    } as unknown,
  };
  app.get(path, { schema, config: { permission: 'vms:read' } }, async (request, reply) => {
    const template = await templates.get(principalOf(request));
    return sendWithTag(request, reply, tagOf(template), () => JSON.stringify(showTemplate(template)));
  });
}

function putRoute(app: App, { templates, commandTimeoutMs }: TemplateDeps): void {
  const schema = {
    operationId: 'setForwardTemplate',
    summary: 'Replace the forwards that new VMs get',
    description: 'VMs that exist keep theirs.',
    tags,
    headers: keyedConditionalHeaders,
    querystring: templateQuery,
    body: forwardTemplateBody,
    response: {
      200: taggedResponses('ForwardTemplate', 'The template as it is now.')[200],
      ...problems(400, 401, 403, 409, 412, 413, 415, 422, 429, 500, 503, 504),
    } as unknown,
  };
  app.put(path, { schema, config: { permission: 'pools:write', audit: 'allocator' } }, async (request, reply) => {
    const forwards = toTemplate(request.body);
    const context = commandContext(request, new Date(Date.now() + commandTimeoutMs));
    const { dry_run: validateOnly = false } = request.query;
    const asked = { context: { ...context, ifVersion: ifVersionOf(request) }, forwards, validateOnly };
    const template = await templates.set(asked);
    return reply.header('ETag', tagOf(template)).send(showTemplate(template));
  });
}

const tagOf = (template: ForwardTemplate): string => `"${template.version}"`;

const showTemplate = ({ forwards }: ForwardTemplate): ForwardTemplateDocument => ({
  forwards: forwards.map(({ name, protocol, internalPort, sources, description }) => ({
    name,
    protocol: wordOf(protocol),
    internal_port: internalPort,
    sources,
    description: description || null,
  })),
});

/** The forwards that a body lists. Throws once, naming every field that is wrong. */
function toTemplate({ forwards }: Static<typeof forwardTemplateBody>) {
  const checks = new FieldChecks();
  const names = forwards.map(({ name }, index) => ({ field: `forwards[${index}].name`, name }));
  refuseReserved(names, checks);
  refuseRepeated(names, checks);
  const wishes = forwards.map((forward, index) => parseForward(forward, `forwards[${index}]`, checks));
  checks.finish();
  return wishes.map(({ protocol, sources = [], description = '' }, index) => ({
    name: names[index]?.name ?? '',
    protocol: protocolOf(protocol),
    internalPort: forwards[index]?.internal_port ?? 0,
    sources: [...sources],
    description,
  }));
}
