import { BadRequestSchema, HealthService, StatusSchema, VmService } from '@berth/contracts';
import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/** What @grpc/reflection takes. */
type Reflectable = ConstructorParameters<typeof ReflectionService>[0];

/** Described although not served: what NATS carries, and what the details of an error are. */
const alsoDescribed = [VmService.file, StatusSchema.file, BadRequestSchema.file];

/** Serves reflection, which lists `services` and health, and describes `files` with all that they import. */
export function serveReflection(server: Server, services: readonly string[], files: readonly DescFile[]): void {
  const described = reflectable([HealthService.file, ...files, ...alsoDescribed]);
  new ReflectionService(described, { services: [HealthService.typeName, ...services] }).addToServer(server);
}

/** These files and all that they import, imports first. */
function withImports(files: readonly DescFile[], seen = new Set<DescFile>()): DescFile[] {
  return files.flatMap((file) => {
    if (seen.has(file)) return [];
    seen.add(file);
    return [...withImports(file.dependencies, seen), file];
  });
}

/** Generated descriptors in the form that @grpc/reflection reads; nothing is read from .proto files. */
function reflectable(files: readonly DescFile[]): Reflectable {
  const fileDescriptorProtos = withImports(files).map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  return Object.fromEntries(
    files.map((file) => [file.name, { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos }]),
  ) as unknown as Reflectable; // reflection looks at the descriptors alone
}
