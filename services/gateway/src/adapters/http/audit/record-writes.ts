import { RefusalCounts } from '@berth/access';
import { safeForAudit, safeTextForAudit } from '@berth/service-kit';

import { resourceOf, resourceTypeOf } from '../../../domain/requests/audited-resource.ts';
import type { AuditInit, AuditRecorder } from '../../nats/audit-recorder.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';

const reading = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const longestText = 200;
const longestPath = 1_000;
const longestRead = 65_536;
const mostBodyBytes = 4_096;
const tellCountsEveryMs = 10_000;

/**
 * Tells the audit log of each request that changes something or wanted to, before its answer leaves: every write, unless the service that makes the
 * change writes the entry (`audit` of the route or its endpoint group), in the transaction of it; then what was refused is told from here nevertheless.
 * Requests to addresses that are no route, or with a method that a route does not know, asked for nothing.
 */
export function recordWrites(app: App, recorder: AuditRecorder): void {
  const refusals = new RefusalCounts(performance.now());
  const tellCounted = async (atOnce = false) => {
    const counted = refusals.take(performance.now(), atOnce);
    await Promise.all(counted.map(({ caller, count }) => recorder.record(countedEntry(caller, count))));
  };
  const timer = setInterval(tellCounted, tellCountsEveryMs);
  timer.unref();
  app.addHook('onClose', async () => {
    clearInterval(timer);
    await tellCounted(true);
  });
  app.addHook('onRoute', ({ method, url, schema }) => {
    const writes = [method].flat().some((one) => !reading.has(one));
    if (!writes || schema?.hide === true || resourceTypeOf(url) !== undefined) return;
    throw new Error(`What ${method} ${url} is about has no word: it takes one in audited-resource.ts.`);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (!isTold(request, reply.statusCode)) return;
    if (isCountable(request, reply.statusCode) && !refusals.note(request.principal?.id ?? request.ip)) return;
    await request.scope.run(() => recorder.record(entryOf(request, reply, payload)));
  });
}

function isTold({ method, is404, routeOptions }: AnyRequest & { is404: boolean }, status: number): boolean {
  if (reading.has(method) || is404 || status === 405) return false;
  const { audit, group } = routeOptions.config;
  // Services tell of what they changed, with before and after; of what came to nothing they keep nothing.
  return (audit ?? group?.audit ?? 'gateway') === 'gateway' || status >= 400;
}

/** Anybody can be refused as often as he likes. */
const isCountable = ({ principal }: AnyRequest, status: number): boolean =>
  status === 429 || (principal === null && status >= 400);

const countedEntry = (caller: string, count: number): AuditInit => ({
  ...{ action: 'request.refused', result: 'REFUSED_REPEATEDLY' },
  ...{ resourceType: 'caller', resourceId: caller },
  detailsJson: JSON.stringify({ count }),
});

function entryOf(request: AnyRequest, reply: AnyReply & { statusCode: number }, payload: unknown): AuditInit {
  const { scope, principal, routeOptions } = request;
  const { operationId = `${request.method} ${routeOptions.url}` }: { operationId?: string } = routeOptions.schema ?? {};
  const resource = aboutOf(request, reply, payload);
  return {
    action: `request.${operationId}`,
    result: resultOf(reply.statusCode, payload),
    ...(principal && { principal: { id: principal.id, kind: principal.kind, name: principal.name } }),
    ...{ resourceType: resource.type, resourceId: safeTextForAudit(resource.id, longestText) },
    clientAddress: request.ip,
    userAgent: safeTextForAudit(String(request.headers['user-agent'] ?? ''), longestText),
    ...{ requestId: scope.requestId, traceId: scope.traceId },
    detailsJson: JSON.stringify({
      method: request.method,
      path: safeTextForAudit(request.url.split('?', 1)[0] ?? '', longestPath),
      status: reply.statusCode,
      ...(scope.operationId !== undefined && { operation_id: scope.operationId }),
      ...(hasFields(request.query) && { query: safeForAudit(request.query, mostBodyBytes / 4) }),
      // What a stranger typed is not kept: whoever signs in mistypes a password into the field of the name.
      ...(routeOptions.config.open !== true &&
        request.body !== undefined &&
        request.body !== null && { body: bodyOf(request.body) }),
    }),
  };
}

const hasFields = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

/** What is read as a stream has gone by. */
const bodyOf = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && (Symbol.asyncIterator in body || 'pipe' in body)
    ? '[stream]'
    : safeForAudit(body, mostBodyBytes);

/** What it was about. */
function aboutOf(request: AnyRequest, reply: AnyReply, payload: unknown) {
  const location = reply.getHeader('location');
  return resourceOf({
    route: request.routeOptions.url ?? '',
    params: Object(request.params),
    location: typeof location === 'string' ? location : '',
    machineId: memberOf(payload, 'machine_id') ?? '',
    userId: request.principal?.userId ?? '',
  });
}

/** `succeeded`, `accepted`, or the code of the problem that is answered. */
function resultOf(status: number, payload: unknown): string {
  if (status === 202) return 'accepted';
  if (status < 400) return 'succeeded';
  return memberOf(payload, 'code') ?? `HTTP_${status}`;
}

/** A text in the answer. Large answers are not read for it. */
function memberOf(payload: unknown, name: string): string | undefined {
  if (typeof payload !== 'string' || payload.length > longestRead) return undefined;
  try {
    const value: unknown = Object(JSON.parse(payload))[name];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
