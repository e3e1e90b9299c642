// `npm run check:boundaries`: who imports whom, against the table in rules.ts.
import { join } from 'node:path';
import { findViolations } from './find-violations.ts';
import { importRules, structuralRules } from './rules.ts';
import { readSourceTree } from './source-tree.ts';

const tree = readSourceTree(join(import.meta.dirname, '../../..'));
const broken = findViolations(tree);
for (const { name, why, violations } of broken) {
  console.error(`${name}: ${why}`);
  for (const { path, line, found } of violations) console.error(`  ${path}:${line} ${found}`);
}
if (broken.length === 0)
  console.log(`${tree.files.length} files keep ${importRules.length + structuralRules.length} rules.`);
process.exitCode = broken.length === 0 ? 0 : 1;
