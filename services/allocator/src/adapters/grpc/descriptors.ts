import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { ReflectionService } from '@grpc/reflection';

/** What @grpc/reflection takes. */
export type Reflectable = ConstructorParameters<typeof ReflectionService>[0];

/** These files and all that they import, imports first. */
function withImports(files: readonly DescFile[], seen = new Set<DescFile>()): DescFile[] {
  return files.flatMap((file) => {
    if (seen.has(file)) return [];
    seen.add(file);
    return [...withImports(file.dependencies, seen), file];
  });
}

/** Generated descriptors in the form that @grpc/reflection reads; nothing is read from .proto files. */
export function reflectable(files: readonly DescFile[]): Reflectable {
  const fileDescriptorProtos = withImports(files).map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  return Object.fromEntries(
    files.map((file) => [file.name, { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos }]),
  ) as unknown as Reflectable; // reflection looks at the descriptors alone
}
