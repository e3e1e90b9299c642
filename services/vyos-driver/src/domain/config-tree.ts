/** A place in the router's configuration: node names, tag values and, at the end, maybe a leaf's value. */
export type ConfigPath = readonly string[];

/**
 * A part of the configuration as `showConfig` gives it: a leaf's value is a string, a multi-valued leaf's a list (or a string when it
 * has one value), a value-less leaf and an empty tag are `{}`.
 */
export interface ConfigTree {
  readonly [name: string]: ConfigTree | string | readonly string[];
}

/** A path as one text that sorts and compares; the inverse of `pathOfKey`. No node name or value holds a line break (the router refuses them). */
export const keyOfPath = (path: ConfigPath): string => path.join('\n');

export const pathOfKey = (key: string): ConfigPath => key.split('\n');
