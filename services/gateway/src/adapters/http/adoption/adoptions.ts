import { randomUUID } from 'node:crypto';
import type { AdoptionItem, Principal } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { JsonObject } from '@bufbuild/protobuf';
import { Type } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseMetadata } from '../../../domain/vms/metadata.ts';
import type { Adoptions } from '../../nats/adoption-service.ts';
import type { DriftReader } from '../../nats/drift-service.ts';
import { principalOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { type BulkDeps, runBulk } from '../bulk/bulk-accept.ts';
import { commandHeaders } from '../command-docs.ts';
import { showForward } from '../forwards/show-forwards.ts';
import { linkToNext } from '../next-link.ts';
import { problems } from '../problem-schemas.ts';
import { showTime } from '../show-time.ts';
import { type AdoptionBody, type AdoptionItemDocument, adoptionBody, adoptionQuery } from './adoption-schemas.ts';

export type AdoptionDeps = BulkDeps & { readonly adoptions: Adoptions; readonly drift: DriftReader };

const lookWithinMs = 60_000;

const params = Type.Object({ router: Type.String({ description: 'The router’s name.' }) });
const tags = ['Routers'];
const config = { permission: 'routers:admin' } as const;

/** What people made on a router becomes VMs and forwards. */
export function adoptionRoutes(app: App, deps: AdoptionDeps): void {
  previewRoute(app, deps);
  adoptRoute(app, deps);
}

function previewRoute(app: App, { adoptions, drift }: AdoptionDeps): void {
  const schema = {
    operationId: 'previewAdoption',
    summary: 'Preview an adoption',
    description:
      'What people made on the router, what of it can be adopted as VMs and forwards, and why the rest cannot. Changes nothing. It is what the newest reading showed, unless `refresh` asks for a new one.',
    tags,
    params,
    querystring: adoptionQuery,
    response: {
      200: {
        description: 'A page of items.',
        headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
        content: { 'application/json': { schema: { $ref: 'AdoptionPreview#' } } },
      },
      ...problems(401, 403, 404, 422, 429, 500, 503),
    } as unknown,
  };
  app.get('/v1/routers/:router/adoptions/preview', { schema, config }, async (request, reply) => {
    const { router } = request.params;
    const { cursor = '0', limit = 500, refresh = false } = request.query;
    const principal = principalOf(request);
    const offset = Number(cursor);
    const lookedAt = await lookAt(drift, principal, { router, refresh });
    const { items, more, counts } = await adoptions.preview({ principal, router, offset, pageSize: limit });
    const next = more ? String(offset + items.length) : null;
    // The pages behind the first are of the reading that the first asked for.
    if (next !== null)
      reply.header('Link', linkToNext(request.url.replace(/([?&])refresh=true/, '$1refresh=false'), next));
    return reply.send({
      router,
      counts: {
        mappings: counts?.mappings ?? 0,
        adoptable_mappings: counts?.adoptableMappings ?? 0,
        rules: counts?.rules ?? 0,
        adoptable_rules: counts?.adoptableRules ?? 0,
      },
      items: items.map(showItem),
      looked_at: lookedAt ? showTime(lookedAt) : null,
      next_cursor: next,
    });
  });
}

/** When the router was read last; reads it first where that is asked for. What is shown afterwards is as new, or newer. */
async function lookAt(
  drift: DriftReader,
  principal: Principal,
  { router, refresh }: { readonly router: string; readonly refresh: boolean },
) {
  if (refresh) {
    const { done } = await drift.check(principal, { router, repair: false, waitMs: lookWithinMs });
    if (!done)
      throw new DomainError('unavailable', 'ROUTER_UNAVAILABLE', `The router ${router} could not be read in time.`);
  }
  return (await drift.get(principal, { router, pageSize: 1 })).report?.lookedAt;
}

const showItem = (item: AdoptionItem): AdoptionItemDocument => ({
  kind: item.rule === 0 ? 'mapping' : 'rule',
  mapping: item.mapping || null,
  rule: item.rule || null,
  adoptable: item.adoptable,
  reason: item.reason || null,
  vm_name: item.vmName || null,
  mac_address: item.macAddress || null,
  internal_ip: item.internalIp || null,
  subnet: item.subnet || null,
  forward: item.forward ? showForward(item.forward) : null,
});

function adoptRoute(app: App, deps: AdoptionDeps): void {
  const schema = {
    operationId: 'adoptObjects',
    summary: 'Adopt what stands on a router',
    description:
      'Static mappings become VMs and the destination rules that lead to them their forwards, without a change on the router. It is a bulk whose items are the VMs: one that does not stand any more as it was read fails, and stays others’. Needs `vms:write` too.',
    tags,
    params,
    headers: commandHeaders,
    body: adoptionBody,
    response: {
      ...Object.fromEntries(
        Object.entries({ 200: 'All was adopted.', 207: 'Some items were not.' }).map(([status, description]) => [
          status,
          {
            description,
            headers: { Location: { type: 'string', description: '/v1/bulks/{id}' } },
            content: { 'application/json': { schema: { $ref: 'BulkResult#' } } },
          },
        ]),
      ),
      202: {
        description: 'Accepted; it goes on. `Location` is where to look, and the body is how far it is.',
        headers: { Location: { type: 'string', description: '/v1/bulks/{id}' } },
        content: { 'application/json': { schema: { $ref: 'Bulk#' } } },
      },
      ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 504),
    } as unknown,
  };
  app.post('/v1/routers/:router/adoptions', { schema, config }, (request, reply) =>
    answerAdoption(deps, request, reply, { router: request.params.router, body: request.body }),
  );
}

async function answerAdoption(
  deps: AdoptionDeps,
  request: AnyRequest,
  reply: AnyReply,
  { router, body }: { readonly router: string; readonly body: AdoptionBody },
): Promise<unknown> {
  const metadata = metadataOf(body);
  const { all = false, mappings = [], rules = [], names = {}, owner_group: ownerGroup = '' } = body;
  const asked = { router, all, mappings, rules, names, ownerGroup, ...(metadata && { metadata }) };
  return runBulk(deps, request, reply, {
    id: randomUUID(),
    start: (context, timeoutMs) => deps.adoptions.adopt({ ...asked, context }, timeoutMs),
  });
}

/** What shall be kept with each VM. */
function metadataOf({ metadata }: AdoptionBody): JsonObject | undefined {
  const checks = new FieldChecks();
  const parsed = checks.of('metadata', () => metadata && parseMetadata(metadata));
  checks.finish();
  return parsed as JsonObject | undefined; // it came as JSON
}
