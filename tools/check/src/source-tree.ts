import { existsSync, globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type ParsedImport, parseImports } from './parse-imports.ts';

/** One import, with what it means in this repository. */
export interface Import extends ParsedImport {
  /**
   * What is imported, for the rules' patterns: a file of the same package by its path from the root, a package of this
   * repository by its folder (`libs/errors`), another one as `npm:pg`, a part of Node as `node:fs`.
   */
  readonly target: string;
  /** Names a file inside another package instead of a way in that it offers. */
  readonly deep: boolean;
}

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  /** The folder of the package it belongs to; empty for the root's own files in `tools/`. */
  readonly package: string;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
  readonly environmentLines: readonly number[];
}

export interface PackageInfo {
  readonly folder: string;
  readonly name: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
  /** The ways in that it offers (its `exports`), as they stand there: `.`, `./testing`. */
  readonly entries: ReadonlySet<string>;
}

export interface SourceTree {
  readonly files: readonly SourceFile[];
  readonly packages: ReadonlyMap<string, PackageInfo>;
}

const packageFolders = ['.', 'libs/*', 'services/*', 'test/*', 'deploy/local', 'tools/check'];
const sourceFiles = '{libs,services,test,deploy,tools}/**/*.{ts,mjs}';
const isNotOurs = (path: string) => /(^|\/)(node_modules|violations|gen)$/.test(path);

/** Reads all source files below `root`. Generated code and planted violations are left out. */
export function readSourceTree(root: string): SourceTree {
  const packages = readPackages(root);
  const byName = new Map([...packages.values()].map((one) => [one.name, one.folder]));
  const files = globSync(sourceFiles, { cwd: root, exclude: isNotOurs })
    .filter((path) => !path.endsWith('.d.ts'))
    .sort()
    .map((path) => readFile(root, path, packages, byName));
  return { files, packages };
}

function readFile(
  root: string,
  path: string,
  packages: ReadonlyMap<string, PackageInfo>,
  byName: ReadonlyMap<string, string>,
): SourceFile {
  const parsed = parseImports(path, readFileSync(join(root, path), 'utf8'));
  const inPackage = packageOf(path, packages);
  return {
    path,
    package: inPackage,
    isTest: path.endsWith('.test.ts') || path.slice(inPackage.length).startsWith('/test/'),
    imports: parsed.imports.map((one) => ({ ...one, ...resolve(one.specifier, path, inPackage, packages, byName) })),
    environmentLines: parsed.environmentLines,
  };
}

function resolve(
  specifier: string,
  from: string,
  inPackage: string,
  packages: ReadonlyMap<string, PackageInfo>,
  byName: ReadonlyMap<string, string>,
): { target: string; deep: boolean } {
  if (specifier.startsWith('.')) {
    const target = join(dirname(from), specifier);
    const other = packageOf(target, packages);
    return { target, deep: other !== inPackage };
  }
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    return { target: specifier.startsWith('node:') ? specifier : `node:${specifier}`, deep: false };
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const folder = byName.get(name);
  if (folder === undefined) return { target: `npm:${name}`, deep: false };
  const entry = `.${specifier.slice(name.length)}`;
  return { target: folder, deep: !packages.get(folder)?.entries.has(entry) };
}

function readPackages(root: string): Map<string, PackageInfo> {
  const found = packageFolders.flatMap((pattern) => (pattern === '.' ? ['.'] : globSync(pattern, { cwd: root })));
  const packages = new Map<string, PackageInfo>();
  for (const folder of found) {
    const file = join(root, folder, 'package.json');
    if (!existsSync(file)) continue;
    const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const names = (key: string) => Object.keys((json[key] as Record<string, string> | undefined) ?? {});
    const path = folder === '.' ? '' : folder;
    packages.set(path, {
      folder: path,
      name: String(json['name'] ?? basename(folder)),
      dependencies: new Set([...names('dependencies'), ...names('optionalDependencies'), ...names('peerDependencies')]),
      devDependencies: new Set(names('devDependencies')),
      entries: new Set(['.', ...names('exports')]),
    });
  }
  return packages;
}

/** The innermost package folder that holds this path; empty when only the root does. */
function packageOf(path: string, packages: ReadonlyMap<string, PackageInfo>): string {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (packages.has(folder)) return folder;
  }
  return '';
}
