import type { Metadata } from '@grpc/grpc-js';

/** A metadata entry as text; absent when there is none. Several of one name are joined, so that no reader takes a part for the whole. */
export function textOf(metadata: Metadata, name: string): string | undefined {
  const values = metadata.get(name);
  return values.length === 0 ? undefined : values.map(String).join(', ');
}
