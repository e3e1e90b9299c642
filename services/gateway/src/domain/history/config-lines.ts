/** One command of a router's configuration: the value of a leaf stands at the end of its path. */
export interface ConfigCommand {
  readonly op: 'set' | 'delete';
  readonly path: readonly string[];
}

/** Node names, tag values and values, down to `{}` where a path ends. */
export interface PathTree {
  [name: string]: PathTree;
}

/** Commands as a person would type them on the router, one a line. */
export const configLines = (commands: readonly ConfigCommand[]): string[] =>
  commands.map(({ op, path }) => [op, ...path.map(quoted)].join(' '));

/** The same commands as two trees: what is deleted, and what is set afterwards. */
export function configTrees(commands: readonly ConfigCommand[]): { readonly delete: PathTree; readonly set: PathTree } {
  const trees = { delete: emptyTree(), set: emptyTree() };
  for (const { op, path } of commands) {
    let at = trees[op];
    for (const name of path) {
      at[name] ??= emptyTree();
      at = at[name];
    }
  }
  return trees;
}

// No value on a router holds a single quote: it refuses them.
const quoted = (word: string): string => (/^[\w.:/@+,!*-]+$/.test(word) ? word : `'${word}'`);

// Without a prototype, since a mapping may be called like something that objects have by themselves.
const emptyTree = (): PathTree => Object.create(null);
