import { parseSync } from 'oxc-parser';

/** One import of a source file, static or dynamic, or a re-export from another file. */
export interface ParsedImport {
  readonly specifier: string;
  readonly line: number;
  /** Gone when the program runs. */
  readonly typeOnly: boolean;
}

export interface ParsedFile {
  readonly imports: readonly ParsedImport[];
  /** The lines that read the process's environment. */
  readonly environmentLines: readonly number[];
}

/** Reads what a TypeScript or JavaScript file imports. Fails when it cannot be parsed. */
export function parseImports(path: string, text: string): ParsedFile {
  const { module, program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  const imports: ParsedImport[] = [];
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const typeOnly = entries.length > 0 && entries.every((entry) => entry.isType);
    imports.push({ specifier: moduleRequest.value, line: lineOf(start), typeOnly });
  }
  for (const { entries } of module.staticExports) {
    const requested = entries.filter((entry) => entry.moduleRequest !== null);
    for (const { moduleRequest, start, isType } of requested) {
      if (moduleRequest !== null)
        imports.push({ specifier: moduleRequest.value, line: lineOf(start), typeOnly: isType });
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const expression = text.slice(moduleRequest.start, moduleRequest.end);
    const specifier = /^(['"`])([^'"`$]+)\1$/.exec(expression)?.[2];
    // What is computed cannot be judged; there is no need for it in our code.
    imports.push({ specifier: specifier ?? '(computed)', line: lineOf(moduleRequest.start), typeOnly: false });
  }
  const environmentLines = text.includes('env') ? environmentReads(program).map(lineOf) : [];
  return { imports, environmentLines };
}

/** Where `process.env` is read: as a member, by taking `process` apart, or by importing `env` from node:process. */
function environmentReads(program: unknown): number[] {
  const found: number[] = [];
  const visit = (node: unknown): void => {
    if (isNode(node) && readsEnvironment(node)) found.push(node.start);
    if (typeof node === 'object' && node !== null) for (const child of Object.values(node)) visit(child);
  };
  visit(program);
  return found;
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [more: string]: unknown;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

function readsEnvironment(node: SyntaxNode): boolean {
  if (node.type === 'MemberExpression') return isNamed(node['object'], 'process') && isNamed(node['property'], 'env');
  if (node.type === 'VariableDeclarator') return isNamed(node['init'], 'process');
  if (node.type !== 'ImportDeclaration') return false;
  const source = node['source'];
  return isNode(source) && /^(node:)?process$/.test(String(source['value']));
}

function isNamed(node: unknown, name: string): boolean {
  return isNode(node) && (node['name'] === name || node['value'] === name);
}
