import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';

/** Below what the bus carries in one message (1 MB), with room for the rest of it. */
const pageBytes = 768_000;

/** How many of the first of these messages go into one answer; at least one, if there is any. */
export function fitting<Desc extends DescMessage>(schema: Desc, inits: readonly MessageInitShape<Desc>[]): number {
  let bytes = 0;
  const end = inits.findIndex((init, place) => {
    bytes += toBinary(schema, create(schema, init)).length;
    return bytes > pageBytes && place > 0;
  });
  return end < 0 ? inits.length : end;
}
