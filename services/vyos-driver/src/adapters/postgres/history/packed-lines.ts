import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ConfigLine, LineChange } from '../../../domain/history/config-line.ts';
import type { ConfigNode } from '../../../domain/normal-tree.ts';

type Side = readonly [resourceId: string, content: ConfigNode] | null;

const side = (line: Omit<ConfigLine, 'key'> | undefined): Side => (line ? [line.resourceId, line.content] : null);

const line = (packed: Side) => (packed === null ? undefined : { resourceId: packed[0], content: packed[1] });

/** Changes as they are stored. Lines of one commit are much alike, so that packing makes them several times smaller. */
export const packChanges = (changes: readonly LineChange[]): Buffer =>
  deflateRawSync(JSON.stringify(changes.map(({ key, before, after }) => [key, side(before), side(after)])));

export const unpackChanges = (packed: Buffer): LineChange[] => {
  const rows: readonly (readonly [string, Side, Side])[] = JSON.parse(inflateRawSync(packed).toString());
  return rows.map(([key, was, is]) => {
    const [before, after] = [line(was), line(is)];
    return { key, ...(before && { before }), ...(after && { after }) };
  });
};

/** A whole state as it is stored. */
export const packLines = (lines: Iterable<ConfigLine>): Buffer =>
  deflateRawSync(JSON.stringify([...lines].map(({ key, resourceId, content }) => [key, resourceId, content])));

export const unpackLines = (packed: Buffer): ConfigLine[] => {
  const rows: readonly (readonly [string, string, ConfigNode])[] = JSON.parse(inflateRawSync(packed).toString());
  return rows.map(([key, resourceId, content]) => ({ key, resourceId, content }));
};
