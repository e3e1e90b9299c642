import { VmOrder, VmState } from '@berth/contracts';
import type { Static } from 'typebox';
import type { VmQuery, VmReader } from '../../../app/list-vms.ts';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseSource } from '../../../domain/forwards/sources.ts';
import { parsePlainText } from '../../../domain/router-text.ts';
import { parseMacAddress } from '../../../domain/vms/mac-address.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, taggedResponses } from '../command-docs.ts';
import { sendTagged } from '../entity-tag.ts';
import { linkToNext } from '../next-link.ts';
import { problems } from '../problem-schemas.ts';
import { showVm } from './show-vm.ts';
import { listVmsQuery } from './vm-query-schemas.ts';

type Query = Static<typeof listVmsQuery>;

const defaultLimit = 100;
const states = { provisioning: VmState.PROVISIONING, active: VmState.ACTIVE, removing: VmState.REMOVING } as const;
const orders: Readonly<Record<string, VmOrder>> = {
  name: VmOrder.NAME,
  created_at: VmOrder.CREATED_AT,
  updated_at: VmOrder.UPDATED_AT,
  internal_ip: VmOrder.INTERNAL_IP,
};

/** VMs page by page. */
export function listVmsRoutes(app: App, deps: { vms: VmReader }): void {
  const schema = {
    operationId: 'listVms',
    summary: 'List VMs',
    description: `Those to which all of the filters apply. A page has ${defaultLimit} unless \`limit\` says otherwise.`,
    tags: ['VMs'],
    headers: ifNoneMatchHeader,
    querystring: listVmsQuery,
    response: {
      ...taggedResponses('VmPage', 'A page of VMs.', {
        Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' },
      }),
      ...problems(401, 403, 422, 429, 500, 503),
    } as unknown,
  };
  app.get('/v1/vms', { schema, config: { permission: 'vms:read' } }, async (request, reply) => {
    const { limit: size = defaultLimit, cursor: token = '' } = request.query;
    const page = await deps.vms.list(principalOf(request), { size, token }, toVmQuery(request.query));
    if (page.nextPageToken !== '') reply.header('Link', linkToNext(request.url, page.nextPageToken));
    return sendTagged(request, reply, { items: page.vms.map(showVm), next_cursor: page.nextPageToken || null });
  });
}

/** What the query means. Throws once, naming every parameter that is wrong. */
function toVmQuery(query: Query): VmQuery {
  const { group, address, mac_address, text, sort = 'name' } = query;
  const checks = new FieldChecks();
  const macAddress = checks.of('mac_address', () => mac_address !== undefined && parseMacAddress(mac_address));
  checks.of('address', () => address !== undefined && parseSource(address));
  checks.of('text', () => text !== undefined && parsePlainText(text));
  checks.finish();
  const filter = {
    ...(group === '' ? { withoutGroup: true } : group && { ownerGroup: group }),
    ...(query.router && { router: query.router }),
    ...(query.pool && { pool: query.pool }),
    ...(address && { address }),
    ...(query.port && { externalPort: query.port }),
    ...(query.state && { states: query.state.map((state) => states[state]) }),
    ...(text && { text }),
    ...(macAddress && { macAddress }),
  };
  const descending = sort.startsWith('-');
  return { filter, order: orders[sort.replace('-', '')] ?? VmOrder.NAME, descending };
}
