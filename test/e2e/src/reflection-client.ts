import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type ChannelCredentials, Client, type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js';

const reflectionPath = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const asIs = (bytes: Buffer): Buffer => bytes;

/** A failed call with what its typed details say. */
export class GrpcFailure extends Error {
  override readonly name = 'GrpcFailure';
  /** The gRPC status. */
  readonly status: number;
  /** ErrorInfo.reason. */
  readonly reason: string;
  /** BadRequest's fields. */
  readonly fields: readonly string[];

  constructor(error: ServiceError) {
    super(error.details, { cause: error });
    this.status = error.code;
    const [status] = error.metadata.get('grpc-status-details-bin');
    const details = status instanceof Buffer ? fieldsOf(status, 3).map(anyOf) : [];
    const ofType = (name: string) => details.find(({ type }) => type === name)?.value;
    this.reason = textOf(ofType('google.rpc.ErrorInfo'), 1);
    this.fields = fieldsOf(ofType('google.rpc.BadRequest') ?? Buffer.alloc(0), 1).map((violation) =>
      textOf(violation, 1),
    );
  }
}

/** A gRPC client that knows nothing of Berth but an address and a key: it asks the server what there is. */
export class ReflectionClient {
  readonly #client: Client;
  readonly #metadata = new Metadata();
  readonly #registry: FileRegistry;
  readonly services: readonly string[];

  private constructor(client: Client, services: readonly string[], registry: FileRegistry) {
    this.#client = client;
    this.services = services;
    this.#registry = registry;
  }

  static async connect(address: string, credentials: ChannelCredentials, apiKey?: string): Promise<ReflectionClient> {
    const client = new Client(address, credentials);
    const services = fieldsOf((await reflect(client, field(7, '*')))(6), 1).map((service) => textOf(service, 1));
    const files = new Map<string, FileDescriptorProto>();
    const learn = async (question: Buffer) => {
      for (const bytes of fieldsOf((await reflect(client, question))(4), 1)) {
        const file = fromBinary(FileDescriptorProtoSchema, bytes);
        files.set(file.name, file);
      }
    };
    for (const service of services) await learn(field(4, service));
    for (const file of files.values()) {
      for (const name of file.dependency) if (!files.has(name)) await learn(field(3, name)); // found by the loop in its turn
    }
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: importsFirst(files) }));
    const made = new ReflectionClient(client, services, registry);
    if (apiKey !== undefined) made.#metadata.set('x-api-key', apiKey);
    return made;
  }

  /** Calls a unary method with a message in proto JSON, and gives its answer in proto JSON with the names of the .proto file. */
  call(
    service: string,
    method: string,
    message: JsonValue,
    more: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const described = this.#method(service, method);
    const metadata = this.#metadata.clone();
    for (const [name, value] of Object.entries(more)) metadata.set(name, value);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        pathOf(described),
        (json: JsonValue) => this.#encode(described, json),
        (bytes: Buffer) => this.#decode(described, bytes),
        message,
        metadata,
        { deadline: Date.now() + 30_000 },
        (error, answer) => (error ? reject(new GrpcFailure(error)) : resolve(answer)),
      );
    });
  }

  /** Calls a method that answers with a stream. */
  stream(service: string, method: string, message: JsonValue): ClientReadableStream<unknown> {
    const described = this.#method(service, method);
    return this.#client.makeServerStreamRequest(
      pathOf(described),
      (json: JsonValue) => this.#encode(described, json),
      (bytes: Buffer) => this.#decode(described, bytes),
      message,
      this.#metadata,
    );
  }

  close(): void {
    this.#client.close();
  }

  #method(service: string, method: string): DescMethod {
    const described: DescService | undefined = this.#registry.getService(service);
    const found = described?.methods.find(({ name }) => name === method);
    if (found === undefined) throw new Error(`the server does not describe ${service}.${method}`);
    return found;
  }

  #encode = ({ input }: DescMethod, json: JsonValue): Buffer =>
    Buffer.from(toBinary(input, fromJson(input, json, { registry: this.#registry })));

  #decode = ({ output }: DescMethod, bytes: Buffer): unknown =>
    toJson(output, fromBinary(output, bytes), {
      registry: this.#registry,
      useProtoFieldName: true,
      alwaysEmitImplicit: true,
    });
}

/** As a registry wants them. */
function importsFirst(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto | undefined) => {
    if (file === undefined || ordered.has(file)) return;
    for (const name of file.dependency) add(files.get(name));
    ordered.add(file);
  };
  for (const file of files.values()) add(file);
  return [...ordered];
}

const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;

const field = (number: number, text: string): Buffer =>
  Buffer.from(new BinaryWriter().tag(number, WireType.LengthDelimited).string(text).finish());

/** One question to the reflection service; the answer is read by the number of its field. */
function reflect(client: Client, question: Buffer): Promise<(number: number) => Buffer> {
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(reflectionPath, asIs, asIs);
    call.on('data', (answer: Buffer) => resolve((number) => fieldsOf(answer, number)[0] ?? Buffer.alloc(0)));
    call.on('error', reject);
    call.end(question);
  });
}

/** The length-delimited fields with this number. */
function fieldsOf(bytes: Uint8Array, number: number): Buffer[] {
  const reader = new BinaryReader(bytes);
  const found: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [at, type] = reader.tag();
    if (at === number && type === WireType.LengthDelimited) found.push(Buffer.from(reader.bytes()));
    else reader.skip(type, at);
  }
  return found;
}

const textOf = (bytes: Uint8Array | undefined, number: number): string =>
  bytes === undefined ? '' : (fieldsOf(bytes, number)[0]?.toString('utf8') ?? '');

const anyOf = (bytes: Buffer) => ({ type: textOf(bytes, 1).replace(/^.*\//, ''), value: fieldsOf(bytes, 2)[0] });
