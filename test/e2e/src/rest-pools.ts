import {
  type CallOptions,
  type Outcome,
  type PoolClient,
  type PoolKind,
  type ScenarioPool,
  type SeenAllocation,
  type SeenPool,
  type SeenReservation,
  said,
} from './pool-client.ts';
import type { Answer, RestClient } from './rest-client.ts';

type Body = Answer['body'];

/** Pools over REST. */
export function restPools(api: RestClient): PoolClient {
  const call = async <T>(
    method: string,
    path: string,
    body: unknown,
    read: (body: Body, answer: Answer) => T,
    { idempotencyKey, ifVersion }: CallOptions = {},
  ): Promise<Outcome<T>> => {
    const headers = {
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      ...(ifVersion !== undefined && { 'if-match': `"${ifVersion}"` }),
    };
    const answer = await api.call(method, path, { ...(body !== undefined && { body }), headers });
    if (answer.status < 300) return { ok: true, value: read(answer.body, answer) };
    if (answer.status >= 500 && answer.status !== 507)
      throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    const fields: { field: string }[] = answer.body.errors ?? [];
    return { ok: false, code: answer.body.code, fields: fields.map(({ field }) => field) };
  };
  const at = (kind: PoolKind, name: string) => `/v1/pools/${kind}/${name}`;
  const checking = ({ validateOnly = false }: CallOptions) => (validateOnly ? '?validate_only=true' : '');
  const nothing = () => null;
  const allPages = async <T>(path: string, read: (item: Body) => T): Promise<Outcome<readonly T[]>> => {
    const items: T[] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const page: Outcome<Body> = await call('GET', next, undefined, (body) => body);
      if (!page.ok) return page;
      items.push(...page.value.items.map(read));
      const cursor: string | undefined = page.value.next_cursor;
      next = cursor ? `${path}&cursor=${encodeURIComponent(cursor)}` : undefined;
    }
    return { ok: true, value: items };
  };
  return {
    create: (kind, pool, options = {}) =>
      call('POST', `/v1/pools/${kind}${checking(options)}`, toBody(pool), seenPool, options),
    get: (kind, name) => call('GET', at(kind, name), undefined, seenPool),
    list: (kind, pageSize) => allPages(`/v1/pools/${kind}?limit=${pageSize}`, ({ name }) => name as string),
    update: (kind, name, change, options = {}) =>
      call('PATCH', at(kind, name) + checking(options), toBody(change), seenPool, options),
    delete: (kind, name, options = {}) => call('DELETE', at(kind, name), undefined, nothing, options),
    drain: (kind, name) => call('POST', `${at(kind, name)}/drain`, undefined, seenPool),
    undrain: (kind, name) => call('POST', `${at(kind, name)}/undrain`, undefined, seenPool),
    allocations: (kind, name, pageSize) => allPages(`${at(kind, name)}/allocations?limit=${pageSize}`, seenAllocation),
    reserve: (kind, name, what, options = {}) =>
      call(
        'POST',
        `${at(kind, name)}/reservations`,
        what,
        ({ id, first, last, note }): SeenReservation => ({ id, first: String(first), last: String(last), note }),
        options,
      ),
    release: (kind, name, id) => call('DELETE', `${at(kind, name)}/reservations/${id}`, undefined, nothing),
    explain: (value) =>
      call('GET', `/v1/pools/explain?${new URLSearchParams(value as Record<string, string>)}`, undefined, (body) => ({
        pool: body.pool ?? '',
        free: body.free,
        available: body.available,
        holders: body.holders.map((one: Body) => seenAllocation(one).holder),
      })),
  };
}

const toBody = ({ values, ...rest }: Partial<ScenarioPool>) => ({ ...rest, ...values });

const common = new Set([
  ...['kind', 'resource', 'name', 'router', 'description', 'groups', 'default', 'state', 'alert_thresholds'],
  ...['version', 'from_settings', 'use', 'warnings', 'created_at', 'updated_at', 'family'],
]);

const seenPool = (body: Body): SeenPool => ({
  name: body.name,
  router: body.router,
  description: body.description,
  groups: body.groups,
  default: body.default,
  state: body.state,
  alert_thresholds: body.alert_thresholds,
  values: said(Object.fromEntries(Object.entries(body).filter(([name]) => !common.has(name)))),
  version: body.version,
  use: {
    size: body.use.size,
    free: body.use.free,
    held: body.use.held,
    reserved: body.use.reserved,
    quarantined: body.use.quarantined,
  },
  warnings: body.warnings.map(({ code }: Body) => code),
});

const seenAllocation = (body: Body): SeenAllocation => ({
  first: String(body.first),
  last: String(body.last),
  holder: body.holder,
  vm_name: body.vm_name ?? '',
  forward: body.forward ?? '',
  note: body.note ?? '',
});
