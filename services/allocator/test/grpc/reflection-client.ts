import { create, createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { TestClient } from '../support/grpc-side.ts';

const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

/** Fields of ServerReflectionRequest and ServerReflectionResponse, which this client knows by heart and nothing else. */
const asking = { fileByFilename: 3, fileContainingSymbol: 4, listServices: 7 };
const answered = { files: 4, services: 6 };

/** What a client learns of a server that it knows nothing of. */
export class ReflectionClient {
  readonly #client: TestClient;

  constructor(client: TestClient) {
    this.#client = client;
  }

  async services(): Promise<string[]> {
    const answer = await this.#ask(asking.listServices, '*');
    const list = answer.find(({ no }) => no === answered.services);
    return fieldsOf(list?.bytes).map(({ bytes }) => new TextDecoder().decode(fieldsOf(bytes)[0]?.bytes));
  }

  /** The types of the file that holds this symbol, and of all that it imports. */
  async typesOf(symbol: string): Promise<FileRegistry> {
    const [root, ...others] = await this.#files(asking.fileContainingSymbol, symbol);
    if (root === undefined) throw new Error(`nothing is known of ${symbol}`);
    const files = new Map([root, ...others].map((file) => [file.name, file]));
    for (const file of files.values()) {
      const missing = file.dependency.filter((name) => !files.has(name));
      for (const name of missing) {
        for (const found of await this.#files(asking.fileByFilename, name)) files.set(found.name, found);
      }
    }
    return createFileRegistry(create(FileDescriptorSetSchema, { file: importsFirst(root, files) }));
  }

  async #files(field: number, name: string): Promise<FileDescriptorProto[]> {
    const answer = await this.#ask(field, name);
    const list = answer.find(({ no }) => no === answered.files);
    if (list === undefined) throw new Error(`the server does not describe ${name}`);
    return fieldsOf(list.bytes).map(({ bytes }) => fromBinary(FileDescriptorProtoSchema, bytes));
  }

  #ask(field: number, text: string): Promise<Field[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Field[]>();
    const call = this.#client.converse(path);
    call.on('data', (answer: Buffer) => resolve(fieldsOf(answer)));
    call.on('error', reject);
    call.end(Buffer.from(new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish()));
    return promise;
  }
}

/** The file and all that it imports, each after what it imports itself. */
function importsFirst(
  file: FileDescriptorProto,
  files: ReadonlyMap<string, FileDescriptorProto>,
  seen = new Set<string>(),
): FileDescriptorProto[] {
  if (seen.has(file.name)) return [];
  seen.add(file.name);
  const imported = file.dependency.flatMap((name) => files.get(name) ?? []);
  return [...imported.flatMap((one) => importsFirst(one, files, seen)), file];
}

interface Field {
  readonly no: number;
  readonly bytes: Uint8Array;
}

/** The parts of a message that are messages or texts. */
function fieldsOf(message: Uint8Array = new Uint8Array()): Field[] {
  const reader = new BinaryReader(message);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (type === WireType.LengthDelimited) fields.push({ no, bytes: reader.bytes() });
    else reader.skip(type, no);
  }
  return fields;
}
