import { randomUUID } from 'node:crypto';
import {
  AuthService,
  type CommandContext,
  type Operation,
  OperationEndedSchema,
  OperationKind,
  OperationSchema,
  OperationState,
  type PermissionLevel,
  permissionsOf,
  RouterService,
  RouterState,
  subjects,
  type VmSchema,
  VmService,
  VmState,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, connectBus, notify, serve } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { freshPrefix, type TestScope, testNats } from '@berth/testing';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { timestampFromDate, timestampNow } from '@bufbuild/protobuf/wkt';
import { Registry } from 'prom-client';
import type { App } from '../../src/adapters/http/app-types.ts';
import type { RouteAccess } from '../../src/adapters/http/requests/access.ts';
import { type CommandTiming, defaultTiming } from '../../src/app/operations/command-timing.ts';
import { readConfig } from '../../src/config.ts';
import { startGateway } from '../../src/start-gateway.ts';

/** A gateway of its own on a real NATS, and the other side of the bus, on which a test answers as other services would. */
export interface GatewayUnderTest {
  readonly url: string;
  readonly bus: Bus;
  readonly prefix: string;
  /** Every route that it declared. */
  readonly routes: readonly RouteAccess[];
  readonly metrics: Registry;
  /** Its log, line by line, parsed. */
  readonly logged: Record<string, unknown>[];
  readonly stop: () => Promise<void>;
  readonly app: App;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Answers a method of another service from now on; gives back its end. */
  answer<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    handle: (
      message: MessageShape<I>,
      context: CommandContext | undefined,
    ) => MessageInitShape<O> | Promise<MessageInitShape<O>>,
  ): () => Promise<void>;
  /** Publishes the end of an operation, as the allocator's outbox does. */
  tellEnd(operation: Operation): void;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** null sends none. Default: an admin's. */
  readonly apiKey?: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  readonly body: any;
}

/** Times that a test can wait for. */
const quick: CommandTiming = {
  ...defaultTiming,
  commandTimeoutMs: 600,
  answerTimeoutMs: 250,
  clockSkewMs: 100,
  nobodyThereMs: 300,
  firstLookMs: 50,
  longestLookMs: 100,
};

export interface GatewayOptions {
  readonly env?: Record<string, string>;
  readonly timing?: CommandTiming;
  readonly natsUrl?: string;
  /** false: the test answers for auth. */
  readonly auth?: boolean;
  /** Several gateways of one system have the same. */
  readonly prefix?: string;
  /** The clock that limits go by. */
  readonly now?: () => number;
}

export async function startTestGateway(
  t: TestScope,
  { env = {}, timing = quick, natsUrl, auth = true, now, ...given }: GatewayOptions = {},
): Promise<GatewayUnderTest> {
  const nats = natsUrl ?? (await testNats()).url;
  const prefix = given.prefix ?? freshPrefix(t);
  const logged: Record<string, unknown>[] = [];
  const log = createLogger('gateway', 'info', { write: (line) => void logged.push(JSON.parse(line)) });
  const config = readConfig({
    BERTH_OVERLOADED_AFTER_MS: '0', // a busy machine is not what these tests are about
    NATS_URL: nats,
    BERTH_SUBJECT_PREFIX: prefix,
    PORT: '0',
    BERTH_RATE_LIMIT_PER_SECOND: '0',
    ...env,
  });
  const metrics = new Registry();
  const stops: (() => unknown)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= stopAll(stops));
  const { url, app } = await startGateway(
    config,
    { log, metrics, onStop: (one) => void stops.push(one), readyWhen: () => {} },
    timing,
    now,
  );
  const bus = await connectBus({ url: nats, prefix, name: 'test', log: createLogger('test', 'fatal') });
  t.after(async () => {
    await stop();
    await bus.drain();
  });
  const gateway: GatewayUnderTest = {
    url,
    bus,
    prefix,
    routes: app.routeAccess,
    metrics,
    logged,
    stop,
    app,
    call: (method, path, options = {}) => call(url, method, path, options),
    answer: (method, handle) => serve(bus, method, async (message, context) => handle(message, context)),
    tellEnd: (operation) => notify(bus, subjects.operationEnded(operation.id), OperationEndedSchema, { operation }),
  };
  if (auth) gateway.answer(AuthService.method.verifyApiKey, ({ apiKey }) => ({ principal: principalOf(apiKey) }));
  await bus.connection.flush();
  return gateway;
}

async function stopAll(stops: (() => unknown)[]): Promise<void> {
  for (const stop of stops.reverse()) await stop();
}

/** `admin-1`, `operator-x`, `viewer-y` are keys of these levels; nobody holds any other. */
function principalOf(apiKey: string) {
  const level = apiKey.split('-')[0] ?? '';
  if (!(level in permissionsOf)) throw new DomainError('unauthenticated', 'API_KEY_INVALID', 'This key is not valid.');
  const permissions = [...permissionsOf[level as PermissionLevel]];
  return { id: `id-of-${apiKey}`, kind: 'api_key', name: apiKey, permissions };
}

async function call(url: string, method: string, path: string, options: CallOptions): Promise<Answer> {
  const apiKey = options.apiKey === undefined ? 'admin-1' : options.apiKey;
  const hasBody = options.body !== undefined;
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(apiKey === null ? {} : { 'x-api-key': apiKey }),
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...options.headers,
    },
    ...(hasBody ? { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** A VM as the allocator tells of it. */
export const aVm = (vm: MessageInitShape<typeof VmSchema> = {}): MessageInitShape<typeof VmSchema> => ({
  id: randomUUID(),
  name: 'web-01',
  macAddress: '52:54:00:12:34:56',
  hostname: 'web-01',
  router: 'default',
  internalIp: '10.10.1.50',
  externalIp: '192.0.2.1',
  natRuleBase: 10_000,
  state: VmState.ACTIVE,
  version: 1n,
  ipPool: 'ip-pools/default',
  portPool: 'port-pools/default',
  rulePool: 'rule-pools/default',
  createdAt: timestampFromDate(new Date('2026-01-01T12:00:00Z')),
  updatedAt: timestampFromDate(new Date('2026-01-01T12:00:04Z')),
  forwards: ['ssh', 'http', 'https'].map((name, index) => ({
    name,
    protocol: 1,
    internalPort: [22, 80, 443][index] ?? 0,
    externalPort: 32_000 + index,
    natRuleNumber: 10_000 + index,
    enabled: true,
    description: `web-01 ${name}`,
  })),
  ...vm,
});

/** An operation as the allocator tells of it: by default one that provisioned `aVm` and succeeded. */
export function anOperation(operation: MessageInitShape<typeof OperationSchema> = {}): Operation {
  const vm = aVm();
  return create(OperationSchema, {
    id: randomUUID(),
    kind: OperationKind.PROVISION_VM,
    state: OperationState.SUCCEEDED,
    vmId: vm.id ?? '',
    vmName: vm.name ?? '',
    createdAt: timestampNow(),
    updatedAt: timestampNow(),
    ...(operation.state === undefined || operation.state === OperationState.SUCCEEDED ? { vm } : {}),
    ...operation,
  } as MessageInitShape<typeof OperationSchema>);
}

/** Answers everything that health asks, well; gives back the end of each. */
export async function answerHealth(gateway: GatewayUnderTest) {
  const notFound = () => {
    throw new DomainError('not_found', 'NOT_FOUND', 'There is no such thing.');
  };
  const router = { router: 'default', state: RouterState.OK };
  const stops = {
    allocator: gateway.answer(VmService.method.listVms, () => ({ vms: [] })),
    auth: gateway.answer(AuthService.method.getApiKey, notFound),
    routers: gateway.answer(RouterService.method.listRouters, () => ({ routers: [router] })),
  };
  await gateway.bus.connection.flush();
  return stops;
}
