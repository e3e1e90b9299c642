import { listVms, type VmReader } from '../../../app/list-vms.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader } from '../command-docs.ts';
import { pageQuery } from '../common-schemas.ts';
import { sendTagged } from '../entity-tag.ts';
import { problems } from '../problem-schemas.ts';
import { machineIdOf } from '../vms/machine-id.ts';
import { machineParams } from '../vms/vm-schemas.ts';
import { showVmPorts } from './show-ports.ts';

const config = { permission: 'vms:read' } as const;
const unchanged = { 304: { description: 'Nothing changed since that ETag.' } };

/** How forwards stand, for dashboards. */
export function portStatusRoutes(app: App, deps: { vms: VmReader }): void {
  statusOfOne(app, deps);
  statusOfAll(app, deps);
}

function statusOfOne(app: App, deps: { vms: VmReader }): void {
  for (const url of ['/v1/vms/:machine_id/ports/status', '/v1/status/vms/:machine_id/ports']) {
    const isAlias = url.startsWith('/v1/status');
    const schema = {
      operationId: isAlias ? 'getVmPortStatusAlias' : 'getVmPortStatus',
      summary: 'Get the forwards of a VM',
      tags: ['Ports'],
      deprecated: isAlias,
      headers: ifNoneMatchHeader,
      params: machineParams,
      response: { 200: { $ref: 'VmPorts#' }, ...unchanged, ...problems(401, 403, 404, 429, 500, 503) } as unknown,
    };
    app.get(url, { schema, config }, async (request, reply) => {
      const vm = await deps.vms.get(principalOf(request), machineIdOf(request.params));
      return sendTagged(request, reply, showVmPorts(vm));
    });
  }
}

function statusOfAll(app: App, deps: { vms: VmReader }): void {
  for (const url of ['/v1/ports/status', '/v1/status/ports']) {
    const isAlias = url.startsWith('/v1/status');
    const schema = {
      operationId: isAlias ? 'listPortStatusAlias' : 'listPortStatus',
      summary: 'List the forwards of all VMs',
      description: 'In the order of the VMs’ names. Without `limit` all of them; with it, the next page is in `Link`.',
      tags: ['Ports'],
      deprecated: isAlias,
      headers: ifNoneMatchHeader,
      querystring: pageQuery(1_000),
      response: {
        200: {
          description: 'The VMs’ forwards.',
          headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
          content: { 'application/json': { schema: { type: 'array', items: { $ref: 'VmPorts#' } } } },
        },
        ...unchanged,
        ...problems(401, 403, 422, 429, 500, 503),
      } as unknown,
    };
    app.get(url, { schema, config }, async (request, reply) => {
      const { limit, cursor } = request.query;
      const wanted = { ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) };
      const page = await listVms(deps.vms, principalOf(request), wanted);
      if (page.nextPageToken !== '') {
        const next = new URLSearchParams({ limit: String(limit), cursor: page.nextPageToken });
        reply.header('Link', `<${url}?${next}>; rel="next"`);
      }
      return sendTagged(request, reply, page.vms.map(showVmPorts));
    });
  }
}
