import type { JsonValue } from '@bufbuild/protobuf';
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
import { GrpcFailure, type ReflectionClient } from './reflection-client.ts';

const service = 'berth.allocator.v1.PoolService';
const valuesField = { 'ip-pools': 'ip', 'port-pools': 'port', 'rule-pools': 'rule' } as const;

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
type Message = any;

/** Pools over gRPC, by a client that was told nothing but what reflection says. */
export function grpcPools(client: ReflectionClient): PoolClient {
  const call = async <T>(
    method: string,
    message: JsonValue,
    read: (answer: Message) => T,
    options: CallOptions = {},
  ): Promise<Outcome<T>> => {
    const metadata = options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
    try {
      return { ok: true, value: read(await client.call(service, method, message, metadata)) };
    } catch (error) {
      if (!(error instanceof GrpcFailure)) throw error;
      return { ok: false, code: error.reason, fields: error.fields.map(withoutOneof) };
    }
  };
  const nothing = () => null;
  return {
    create: (kind, pool, { validateOnly = false, ...options } = {}) =>
      call('CreatePool', { pool: toMessage(kind, pool), validate_only: validateOnly }, seenPool, options),
    get: (kind, name) => call('GetPool', { name: `${kind}/${name}` }, seenPool),
    async list(kind, pageSize) {
      const names: string[] = [];
      for (let token = ''; ; ) {
        const page = await call('ListPools', { kind, page_size: pageSize, page_token: token }, (answer) => answer);
        if (!page.ok) return page;
        names.push(...page.value.pools.map((pool: Message) => idOf(pool.name)));
        token = page.value.next_page_token;
        if (token === '') return { ok: true, value: names };
      }
    },
    update: (kind, name, change, { ifVersion = 0, validateOnly = false, ...options } = {}) =>
      call(
        'UpdatePool',
        {
          pool: toMessage(kind, { values: {}, ...change, name }),
          update_mask: maskOf(kind, change),
          if_version: String(ifVersion),
          validate_only: validateOnly,
        },
        seenPool,
        options,
      ),
    delete: (kind, name, { ifVersion = 0, ...options } = {}) =>
      call('DeletePool', { name: `${kind}/${name}`, if_version: String(ifVersion) }, nothing, options),
    drain: (kind, name) => call('DrainPool', { name: `${kind}/${name}` }, seenPool),
    undrain: (kind, name) => call('UndrainPool', { name: `${kind}/${name}` }, seenPool),
    async allocations(kind, name, pageSize) {
      const all: SeenAllocation[] = [];
      for (let token = ''; ; ) {
        const message = { pool: `${kind}/${name}`, page_size: pageSize, page_token: token };
        const page = await call('ListAllocations', message, (answer) => answer);
        if (!page.ok) return page;
        all.push(...page.value.allocations.map(seenAllocation));
        token = page.value.next_page_token;
        if (token === '') return { ok: true, value: all };
      }
    },
    reserve: (kind, name, { lifetime_seconds, ...what }, options = {}) =>
      call(
        'Reserve',
        {
          pool: `${kind}/${name}`,
          ...(what as Record<string, JsonValue>),
          ...(lifetime_seconds !== undefined && { lifetime: `${lifetime_seconds}s` }),
        },
        ({ id, first, last, note }): SeenReservation => ({ id, first, last, note }),
        options,
      ),
    release: (_kind, _name, reservationId) => call('Release', { reservation_id: reservationId }, nothing),
    explain: (value) =>
      call('ExplainValue', value as JsonValue, ({ pool, free, available, holders }) => ({
        pool,
        free,
        available,
        holders: holders.map((one: Message) => seenAllocation(one).holder),
      })),
  };
}

const idOf = (name: string): string => name.slice(name.indexOf('/') + 1);

/** REST knows no "ip.": its pools are of one kind. */
const withoutOneof = (field: string): string => field.replace(/^(pool\.)?(ip|port|rule)\./, '').replace(/^pool\./, '');

function toMessage(kind: PoolKind, { values, default: isDefault, state, name, ...rest }: ScenarioPool): JsonValue {
  return {
    ...rest,
    name: `${kind}/${name}`,
    ...(isDefault !== undefined && { is_default: isDefault }),
    ...(state !== undefined && { state: `POOL_STATE_${state.toUpperCase()}` }),
    [valuesField[kind]]: {
      ...values,
      ...(Array.isArray(values['protocols']) && {
        protocols: values['protocols'].map((protocol) => `PORT_PROTOCOL_${String(protocol).toUpperCase()}`),
      }),
    },
  } as unknown as JsonValue;
}

/** Field masks are in camel case in proto JSON. */
const maskOf = (kind: PoolKind, { values = {}, ...rest }: Partial<ScenarioPool>): string =>
  [
    ...Object.keys(rest).map((name) => (name === 'default' ? 'is_default' : name)),
    ...Object.keys(values).map((name) => `${valuesField[kind]}.${name}`),
  ]
    .map((path) => path.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()))
    .join(',');

function seenPool(pool: Message): SeenPool {
  const { ip, port, rule } = pool;
  const { family: _family, protocols, ...values } = ip ?? port ?? rule;
  return {
    name: idOf(pool.name),
    router: pool.router,
    description: pool.description,
    groups: pool.groups,
    default: pool.is_default,
    state: pool.state.replace('POOL_STATE_', '').toLowerCase(),
    alert_thresholds: pool.alert_thresholds,
    values: said({
      ...values,
      ...(protocols && {
        protocols: protocols.map((one: string) => one.replace('PORT_PROTOCOL_', '').toLowerCase()),
      }),
    }),
    version: Number(pool.version),
    use: {
      size: Number(pool.use.size),
      free: Number(pool.use.free),
      held: Number(pool.use.held),
      reserved: Number(pool.use.reserved),
      quarantined: Number(pool.use.quarantined),
    },
    warnings: pool.warnings.map(({ code }: Message) => code),
  };
}

const seenAllocation = (one: Message): SeenAllocation => ({
  first: one.first,
  last: one.last,
  holder: one.holder.replace('HOLDER_KIND_', '').toLowerCase(),
  vm_name: one.vm_name,
  forward: one.forward,
  note: one.note,
});
