import { Readable } from 'node:stream';
import { AuditService } from '@berth/contracts';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseTime } from '../../../domain/parse-time.ts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { pageQuery } from '../common-schemas.ts';
import { linkToNext } from '../next-link.ts';
import { problems } from '../problem-schemas.ts';
import { auditExportQuery, auditQuery } from './audit-schemas.ts';
import { showAuditEntry, showAuditHead, showAuditKey } from './show-audit.ts';

const { method } = AuditService;
const path = '/v1/admin/audit';
const config = { permission: 'audit:read' } as const;
const tags = ['Audit log'];
const refusals = problems(401, 403, 422, 429, 500, 503);

/** The audit log: read, exported, and its signed heads. */
export function auditRoutes(app: App, deps: { readonly audit: Pick<AuthAsk, 'read'> }): void {
  listRoute(app, deps);
  exportRoute(app, deps);
  headsRoute(app, deps);
}

function listRoute(app: App, { audit }: { readonly audit: Pick<AuthAsk, 'read'> }): void {
  const schema = {
    operationId: 'listAuditEntries',
    summary: 'Read the audit log',
    description: 'Entries to which all of the filters apply, the newest first. Reading it is not an entry of it.',
    tags,
    querystring: auditQuery,
    response: {
      200: {
        description: 'A page of entries.',
        headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
        content: { 'application/json': { schema: { $ref: 'AuditPage#' } } },
      },
      ...refusals,
    } as unknown,
  };
  app.get(path, { schema, config }, async (request, reply) => {
    const { since, until, limit = 0, cursor = '', ...filters } = request.query;
    const checks = new FieldChecks();
    const from = since === undefined ? undefined : checks.of('since', () => parseTime(since));
    const to = until === undefined ? undefined : checks.of('until', () => parseTime(until));
    checks.finish();
    const page = await audit.read(method.listAuditEntries, {
      ...{ principal: principalOf(request), pageSize: limit, pageToken: cursor },
      ...{ actor: filters.actor ?? '', actionPrefix: filters.action ?? '', result: filters.result ?? '' },
      ...{ resourceType: filters.resource_type ?? '', resourceId: filters.resource_id ?? '' },
      ...{ address: filters.address ?? '', requestId: filters.request_id ?? '' },
      ...(from && { since: timestampFromDate(from) }),
      ...(to && { until: timestampFromDate(to) }),
    });
    if (page.nextPageToken !== '') reply.header('Link', linkToNext(request.url, page.nextPageToken));
    return reply.send({ items: page.entries.map(showAuditEntry), next_cursor: page.nextPageToken || null });
  });
}

function exportRoute(app: App, { audit }: { readonly audit: Pick<AuthAsk, 'read'> }): void {
  const schema = {
    operationId: 'exportAudit',
    summary: 'Export the audit log',
    description:
      'Lines of JSON: what the export is, sealed entries with their hashes, signed heads, and an end line. `npm run audit:verify` checks them without a service.',
    tags,
    querystring: auditExportQuery,
    response: {
      200: { description: 'The lines.', content: { 'application/x-ndjson': { schema: { type: 'string' } } } },
      ...refusals,
    } as unknown,
  };
  app.get(`${path}/export`, { schema, config }, async (request, reply) => {
    const { from = 1, to = 0 } = request.query;
    const question = { principal: principalOf(request), toSeq: BigInt(to) };
    const part = (afterSeq: bigint, first: boolean) => audit.read(method.exportAudit, { ...question, afterSeq, first });
    const first = await part(BigInt(from - 1), true); // a refusal is a problem still, not half an answer
    const lines = async function* () {
      let { lines: some, lastSeq, more } = first;
      for (;;) {
        yield `${some.join('\n')}\n`;
        if (!more) return;
        ({ lines: some, lastSeq, more } = await part(lastSeq, false));
      }
    };
    return reply.type('application/x-ndjson').send(Readable.from(lines())); // asks for more as fast as the caller reads
  });
}

function headsRoute(app: App, { audit }: { readonly audit: Pick<AuthAsk, 'read'> }): void {
  const schema = {
    operationId: 'listAuditHeads',
    summary: 'List signed heads of the audit log',
    description: 'The newest first. One kept elsewhere proves later that nothing before it was changed or removed.',
    tags,
    querystring: pageQuery(500),
    response: { 200: { $ref: 'AuditHeads#' }, ...refusals } as unknown,
  };
  app.get(`${path}/heads`, { schema, config }, async (request, reply) => {
    const { limit = 0, cursor = '' } = request.query;
    const question = { principal: principalOf(request), pageSize: limit, pageToken: cursor };
    const page = await audit.read(method.listAuditHeads, question);
    return reply.send({
      items: page.heads.map(showAuditHead),
      keys: page.keys.map(showAuditKey),
      next_cursor: page.nextPageToken || null,
    });
  });
}
