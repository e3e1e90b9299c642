import { matchesGlob } from 'node:path';
import { type ImportRule, importRules, structuralRules, type Violation } from './rules.ts';
import type { SourceFile, SourceTree } from './source-tree.ts';

/** A broken rule and every place that breaks it. */
export interface BrokenRule {
  readonly name: string;
  readonly why: string;
  readonly violations: readonly Violation[];
}

/** All rules that this tree breaks, in the order of the table. */
export function findViolations(tree: SourceTree): BrokenRule[] {
  return [
    ...importRules.map(({ name, why, ...rule }) => ({ name, why, violations: breaksOf({ name, why, ...rule }, tree) })),
    ...structuralRules.map(({ name, why, find }) => ({ name, why, violations: find(tree) })),
  ].filter((rule) => rule.violations.length > 0);
}

function breaksOf(rule: ImportRule, tree: SourceTree): Violation[] {
  return tree.files
    .filter((file) => isAbout(rule, file))
    .flatMap((file) => {
      const mayNot = rule.mayNot?.map((pattern) => pattern.replace('$package', file.package));
      const mayOnly = rule.mayOnly?.map((pattern) => pattern.replace('$package', file.package));
      const isWrong = (target: string) =>
        (mayNot !== undefined && matches(target, mayNot)) || (mayOnly !== undefined && !matches(target, mayOnly));
      const wrongImports = file.imports
        .filter((one) => isWrong(one.target))
        .map((one) => ({ path: file.path, line: one.line, found: `imports ${one.target}` }));
      const wrongReads = isWrong('process.env')
        ? file.environmentLines.map((line) => ({ path: file.path, line, found: 'reads process.env' }))
        : [];
      return [...wrongImports, ...wrongReads];
    });
}

function isAbout(rule: ImportRule, file: SourceFile): boolean {
  const except = rule.except ?? [];
  if (except.includes('tests') && file.isTest) return false;
  return matches(file.path, rule.from) && !matches(file.path, except);
}

/** Matches one pattern, and none of those that begin with an exclamation mark. */
function matches(text: string, patterns: readonly string[]): boolean {
  const matching = (pattern: string) => matchesGlob(text, pattern);
  const excluded = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return patterns.filter((pattern) => !pattern.startsWith('!')).some(matching) && !excluded.some(matching);
}
