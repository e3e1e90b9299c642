import { LimitService, type LimitRule as RuleMessage } from '@berth/contracts';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { neverLimited } from '../../../domain/requests/endpoint-groups.ts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { commandContext, ifVersionOf, principalOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, taggedResponses } from '../command-docs.ts';
import { digestOf, sendWithTag } from '../entity-tag.ts';
import { problems } from '../problem-schemas.ts';
import { subjectsOf } from './limit-guard.ts';
import { limitsBody, noQuery, type UsageDocument, usageQuery } from './limit-schemas.ts';

/** What the routes of limits need: the service, and after how long a command is refused. */
export interface LimitDeps {
  readonly limits: AuthAsk;
  readonly commandTimeoutMs: number;
}

const { method } = LimitService;
const path = '/v1/admin/limits';
const tags = ['Limits'];
const administering = { permission: 'limits:admin' } as const;

/** The limits that hold for all, and what was used of limits. */
export function limitRoutes(app: App, deps: LimitDeps): void {
  getRoute(app, deps);
  setRoute(app, deps);
  usageRoutes(app, deps);
}

function getRoute(app: App, { limits }: LimitDeps): void {
  const schema = {
    operationId: 'getLimits',
    summary: 'Get the limits that hold for all',
    tags,
    headers: ifNoneMatchHeader,
    response: { ...taggedResponses('Limits', 'The limits.'), ...problems(401, 403, 429, 500, 503) } as unknown,
  };
  app.get(path, { schema, config: administering }, async (request, reply) =>
    sendLimits(request, reply, await limits.read(method.getLimits, { principal: principalOf(request) })),
  );
}

function setRoute(app: App, { limits, commandTimeoutMs }: LimitDeps): void {
  const schema = {
    operationId: 'setLimits',
    summary: 'Replace the limits that hold for all',
    description: 'All at once; every gateway keeps them within a second.',
    tags,
    headers: keyedConditionalHeaders,
    body: limitsBody,
    response: {
      200: taggedResponses('Limits', 'The limits as they are now.')[200],
      ...problems(400, 401, 403, 412, 413, 415, 422, 429, 500, 503, 504),
    } as unknown,
  };
  app.put(path, { schema, config: administering }, async (request, reply) => {
    const checks = new FieldChecks();
    for (const [index, { endpoint_group, subject }] of request.body.rules.entries()) {
      const why = neverLimited(endpoint_group, subject);
      if (why !== undefined) checks.add(`rules[${index}].endpoint_group`, why);
    }
    checks.finish();
    const rules = request.body.rules.map((rule) => ({
      ...{ subject: rule.subject, endpointGroup: rule.endpoint_group, mode: rule.mode },
      windowSeconds: rule.window_seconds,
      requests: BigInt(rule.requests),
    }));
    const deadline = new Date(Date.now() + commandTimeoutMs);
    const context = { ...commandContext(request, deadline), ifVersion: ifVersionOf(request) };
    return sendLimits(request, reply, await limits.change(method.setLimits, { rules, context }));
  });
}

function usageRoutes(app: App, { limits }: LimitDeps): void {
  const response = { 200: { $ref: 'Usage#' }, ...problems(401, 403, 422, 429, 500, 503) } as unknown;
  const own = {
    operationId: 'getOwnUsage',
    summary: 'Say what you used of your limits',
    tags,
    querystring: noQuery,
    response,
  };
  app.get('/v1/account/usage', { schema: own, config: { user: true } }, async (request, reply) => {
    const principal = principalOf(request);
    const subject = subjectsOf(principal)[0]?.subject ?? '';
    return reply.send(await usageOf(limits, principal, subject));
  });
  const others = {
    operationId: 'getUsage',
    summary: 'Say what somebody used of their limits',
    tags,
    querystring: usageQuery,
    response,
  };
  app.get('/v1/admin/usage', { schema: others, config: administering }, async (request, reply) =>
    reply.send(await usageOf(limits, principalOf(request), request.query.subject)),
  );
}

async function usageOf(
  limits: AuthAsk,
  principal: ReturnType<typeof principalOf>,
  subject: string,
): Promise<UsageDocument> {
  const { usages } = await limits.read(method.listUsage, { principal, subject });
  return {
    items: usages.flatMap(({ window, limit, taken }) => {
      if (window === undefined) return [];
      const { endpointGroup, windowSeconds, windowStart } = window;
      return {
        subject,
        endpoint_group: endpointGroup,
        window_seconds: windowSeconds as 60,
        limit: Number(limit),
        used: Number(taken),
        resets_at: new Date((Number(windowStart) + windowSeconds) * 1_000).toISOString(),
      };
    }),
  };
}

function sendLimits(
  request: AnyRequest,
  reply: AnyReply,
  { rules, version }: { readonly rules: readonly RuleMessage[]; readonly version: bigint },
): unknown {
  const shown = rules.map((rule) => ({
    ...{ subject: rule.subject, endpoint_group: rule.endpointGroup, window_seconds: rule.windowSeconds },
    ...{ requests: Number(rule.requests), mode: rule.mode },
  }));
  const body = JSON.stringify({ rules: shown });
  return sendWithTag(request, reply, `"${version}-${digestOf(body)}"`, () => body);
}
