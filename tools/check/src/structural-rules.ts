import type { Violation } from './rules.ts';
import type { Import, PackageInfo, SourceFile, SourceTree } from './source-tree.ts';

type Find = (tree: SourceTree) => Violation[];

/** Every import that `isWrong` finds, in the words of `found`. */
function eachImport(
  tree: SourceTree,
  isWrong: (one: Import, file: SourceFile) => boolean,
  found: (one: Import, file: SourceFile) => string,
): Violation[] {
  return tree.files.flatMap((file) =>
    file.imports
      .filter((one) => isWrong(one, file))
      .map((one) => ({ path: file.path, line: one.line, found: found(one, file) })),
  );
}

/** `allowed`: by the name of a lib, the libs that it may import. Its tests may use the testing lib too. */
export function libsOnlyListed(allowed: Readonly<Record<string, readonly string[]>>): Find {
  const libOf = (path: string) => /^libs\/([^/]+)/.exec(path)?.[1];
  return (tree) =>
    eachImport(
      tree,
      (one, file) => {
        const [from, to] = [libOf(file.path), libOf(one.target)];
        if (from === undefined || to === undefined || from === to) return false;
        return !(allowed[from] ?? []).includes(to) && !(file.isTest && to === 'testing');
      },
      (one) => `imports ${one.target}, which is not in its list`,
    );
}

/** Other packages by name only: no path into one, and no relative path that leaves the own one. */
export const noDeepImports: Find = (tree) =>
  eachImport(
    tree,
    (one) => one.deep || one.specifier === '(computed)',
    (one) => (one.deep ? `imports ${one.specifier}, inside another package` : 'imports a computed path'),
  );

/** Each imported package stands in the importing package's package.json; for what runs in production not as a devDependency. */
export const declaredDependencies: Find = (tree) =>
  eachImport(
    tree,
    (one, file) => {
      const owner = tree.packages.get(file.package);
      const name = one.target.startsWith('npm:')
        ? one.target.slice('npm:'.length)
        : tree.packages.get(one.target)?.name;
      if (owner === undefined || name === undefined || name === owner.name) return false;
      return !isDeclared(owner, name, file, one);
    },
    (one, file) => `imports ${one.specifier}, which ${file.package || 'the root'}/package.json does not declare`,
  );

function isDeclared(owner: PackageInfo, name: string, file: SourceFile, one: Import): boolean {
  if (owner.dependencies.has(name)) return true;
  const isForDevelopment = file.isTest || one.typeOnly || /^(test|tools)\//.test(file.path);
  return isForDevelopment && owner.devDependencies.has(name);
}

/** Circles among the files of the tree; types do not count, being gone when the program runs. */
export const noCycles: Find = (tree) => {
  const files = new Map(tree.files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const violations: Violation[] = [];
  const visit = (file: SourceFile, trail: readonly string[]): void => {
    state.set(file.path, 'open');
    for (const one of file.imports) {
      const target = one.typeOnly ? undefined : files.get(one.target);
      if (target === undefined) continue;
      if (state.get(target.path) === 'open') {
        const circle = [...trail.slice(trail.indexOf(target.path)), target.path];
        violations.push({ path: file.path, line: one.line, found: `imports in a circle: ${circle.join(' → ')}` });
      } else if (!state.has(target.path)) visit(target, [...trail, target.path]);
    }
    state.set(file.path, 'done');
  };
  for (const file of tree.files) if (!state.has(file.path)) visit(file, [file.path]);
  return violations;
};
