import { globSync } from 'node:fs';
import { join } from 'node:path';

const folders = '{libs,services,deploy,test,tools}';

/**
 * The absolute paths of all `*.test.ts` files, or of those that are or lie below one of `paths`. Whole-system scenarios
 * come first: they take longest, so the run does not end with one core waiting for them.
 */
export function findTestFiles(root: string, paths: readonly string[]): string[] {
  const isWanted = (file: string) =>
    paths.length === 0 || paths.some((path) => file === path || file.startsWith(`${path}/`));
  return globSync(`${folders}/**/*.test.ts`, { cwd: root, exclude: isNotOurs })
    .filter(isWanted)
    .sort((a, b) => weight(a) - weight(b) || a.localeCompare(b))
    .map((file) => join(root, file));
}

/** Installed packages, and the planted violations, which are not part of the tree. */
function isNotOurs(path: string): boolean {
  return path.endsWith('node_modules') || path.endsWith('tools/check/violations');
}

function weight(file: string): number {
  if (/^(test|deploy)\//.test(file)) return 0;
  return file.includes('/test/') ? 1 : 2;
}
