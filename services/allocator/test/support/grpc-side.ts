import type { TestContext } from 'node:test';
import { type OpenAccess, openAccess } from '@berth/access';
import { AuthService, ErrorInfoSchema, type PermissionLevel, permissionsOf, StatusSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, connectBus, serve } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { freshPrefix, testNats } from '@berth/testing';
import {
  create,
  createRegistry,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  type Registry as TypeRegistry,
  toBinary,
} from '@bufbuild/protobuf';
import { anyUnpack, timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type ChannelCredentials,
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { Registry } from 'prom-client';
import { poolMethods } from '../../src/adapters/grpc/pool-methods.ts';
import { type RefusalRecorder, recordRefusals } from '../../src/adapters/grpc/record-refusals.ts';
import { refusingKeptOut } from '../../src/adapters/grpc/refuse-kept-out.ts';
import { type GrpcOptions, type GrpcServer, serveGrpc } from '../../src/adapters/grpc/serve-grpc.ts';
import type { PoolHandlers } from '../../src/adapters/pools/pool-handlers.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const nothing = async () => ({});

/** Answers every method of PoolService with nothing at all; `own` ones as they do. */
const answering = (own: Partial<PoolHandlers>): PoolHandlers => ({
  createPool: nothing,
  getPool: nothing,
  listPools: nothing,
  updatePool: nothing,
  deletePool: nothing,
  drainPool: nothing,
  undrainPool: nothing,
  listAllocations: nothing,
  explainValue: nothing,
  reserve: nothing,
  release: nothing,
  async *watchPools() {},
  ...own,
});

/** Answers for auth: a key is `<level>-<anything>`, and its id the key itself. */
async function playAuth(bus: Bus): Promise<GrpcSide['auth']> {
  const state = {
    asked: 0,
    ended: new Set<string>(),
    expiry: new Map<string, Date>(),
    groups: new Map<string, string>(),
    networks: new Map<string, string[]>(),
  };
  const leave = serve(bus, AuthService.method.verifyApiKey, async ({ apiKey }) => {
    state.asked++;
    const level = Object.keys(permissionsOf).find((one) => apiKey.startsWith(`${one}-`));
    if (level === undefined || state.ended.has(apiKey))
      throw new DomainError('unauthenticated', 'API_KEY_INVALID', 'This key is not valid.');
    const permissions = [...permissionsOf[level as PermissionLevel]];
    const expiresAt = state.expiry.get(apiKey);
    const group = state.groups.get(apiKey) ?? '';
    return {
      principal: { id: apiKey, kind: 'api_key', name: 'tests', permissions, group },
      allowedNetworks: state.networks.get(apiKey) ?? [],
      ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
    };
  });
  await bus.ping();
  return Object.assign(state, { leave });
}

export interface GrpcSide {
  readonly server: GrpcServer;
  readonly bus: Bus;
  readonly access: OpenAccess;
  readonly metrics: Registry;
  readonly refusals: RefusalRecorder;
  /** Lines of the log, parsed. */
  readonly logged: Record<string, unknown>[];
  readonly auth: {
    asked: number;
    /** Keys that nobody holds. */
    readonly ended: Set<string>;
    readonly expiry: Map<string, Date>;
    readonly groups: Map<string, string>;
    /** From where keys may be used. */
    readonly networks: Map<string, string[]>;
    /** Nobody answers for auth any more. */
    leave(): Promise<void>;
  };
  client(secured?: ChannelCredentials): TestClient;
}

export interface SideOptions extends Partial<GrpcOptions> {
  /** false: nobody answers for auth. */
  readonly auth?: boolean;
}

/** The gRPC server alone, in front of handlers of the test. */
export async function startGrpcSide(
  t: TestContext,
  handlers: Partial<PoolHandlers> = {},
  { auth: hasAuth = true, ...options }: SideOptions = {},
): Promise<GrpcSide> {
  const logged: Record<string, unknown>[] = [];
  const log = createLogger('test', 'info', { write: (line: string) => void logged.push(JSON.parse(line)) });
  const { url } = await testNats();
  const bus = await connectBus({ url, prefix: freshPrefix(t), name: 'allocator', log });
  t.after(() => bus.drain());
  const auth = await playAuth(bus);
  if (!hasAuth) await auth.leave();
  const wait = { answerTimeoutMs: 1_000, nobodyThereMs: 100 };
  const access = openAccess(bus, { wait, ttlMs: 30_000, tokens: { issuer: 'http://berth.test', audience: 'berth' } });
  t.after(() => access.stop());
  await bus.ping();
  const metrics = new Registry();
  const refusals = recordRefusals({ bus, log });
  t.after(() => refusals.stop());
  const server = await serveGrpc(
    { host: '127.0.0.1', port: 0, tls: undefined, callsPerSecond: 0, ...options },
    {
      log,
      metrics,
      refusals,
      keys: access.authenticator,
      refuseKeptOut: refusingKeptOut(access.state),
      ping: async () => {},
      methods: poolMethods(answering(handlers)),
    },
  );
  t.after(() => server.stop());
  const client = (secured = credentials.createInsecure()) => new TestClient(t, server.address, secured);
  return { server, bus, access, metrics, refusals, logged, auth, client };
}

export interface CallOptions {
  /** Default: an admin's; null sends none. */
  readonly apiKey?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

/** A failed call as a plain client sees it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** By type name, decoded with nothing but what a client knows of google.rpc. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly metadata: Metadata;
}

export class TestClient {
  readonly #client: Client;

  constructor(t: TestContext, address: string, secured: ChannelCredentials) {
    this.#client = new Client(address, secured);
    t.after(() => this.#client.close());
  }

  /** Throws what the server answered as a ServiceError. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const bytes = toBinary(method.input, create(method.input, message));
    return fromBinary(method.output, (await this.send(method, bytes, options)).answer);
  }

  /** How a call fails. */
  async failure<I extends DescMessage>(
    method: DescMethodUnary<I>,
    message: MessageInitShape<I> | Uint8Array,
    options: CallOptions = {},
  ): Promise<Failure> {
    const bytes = message instanceof Uint8Array ? message : toBinary(method.input, create(method.input, message));
    try {
      await this.send(method, bytes, options);
    } catch (error) {
      return failureOf(error as ServiceError);
    }
    throw new Error(`${method.name} did not fail`);
  }

  send(
    method: DescMethod,
    bytes: Uint8Array,
    options: CallOptions = {},
  ): Promise<{ answer: Buffer; metadata: Metadata }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ answer: Buffer; metadata: Metadata }>();
    const { metadata, deadline } = sentWith(options);
    let initial = new Metadata();
    const call = this.#client.makeUnaryRequest(
      pathOf(method),
      asIs,
      asIs,
      Buffer.from(bytes),
      metadata,
      deadline,
      (error, answer) => (error ? reject(error) : resolve({ answer: answer ?? Buffer.of(), metadata: initial })),
    );
    call.on('metadata', (got: Metadata) => {
      initial = got;
    });
    return promise;
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    message: MessageInitShape<I>,
    options: CallOptions = {},
  ): ClientReadableStream<MessageShape<O>> {
    const bytes = Buffer.from(toBinary(method.input, create(method.input, message)));
    const { metadata, deadline } = sentWith(options);
    const decode = (answer: Buffer) => fromBinary(method.output, answer);
    return this.#client.makeServerStreamRequest(pathOf(method), asIs, decode, bytes, metadata, deadline);
  }

  /** A stream of both ways, byte for byte. */
  converse(path: string) {
    return this.#client.makeBidiStreamRequest(path, asIs, asIs);
  }
}

const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;

function sentWith({ apiKey = 'admin-1', metadata: more = {}, deadlineMs }: CallOptions) {
  const metadata = new Metadata();
  if (apiKey !== null) metadata.set('x-api-key', apiKey);
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  return { metadata, deadline: deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs } };
}

/** What a client knows that knows google.rpc; the test of reflection shows that it can learn that from the server. */
const known: TypeRegistry = createRegistry(ErrorInfoSchema.file);

export function failureOf(error: ServiceError): Failure {
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  const details = Buffer.isBuffer(bytes) ? fromBinary(StatusSchema, bytes).details : [];
  const byName = details.map((one) => {
    const { $typeName, ...fields } = anyUnpack(one, known) ?? { $typeName: one.typeUrl };
    return [$typeName, fields];
  });
  return {
    code: status[error.code],
    message: error.details,
    details: Object.fromEntries(byName),
    metadata: error.metadata,
  };
}
