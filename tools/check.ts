// `npm run check`: every check, also when one fails; a line for each, and the output of those that failed.
//
// turbo runs the tasks of turbo.json side by side and leaves out those whose inputs have not changed since they passed.
//   npm run check -- --force     all of them again
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readSummary } from './check-run/read-summary.ts';

const root = join(import.meta.dirname, '..');

/** In the order of the report. */
const checks = {
  'check:types': 'types',
  'check:lint': 'lint and format',
  'check:unused': 'unused code and dependencies',
  'check:boundaries': 'module boundaries',
  'check:generated': 'generated code is fresh',
  'check:proto': 'proto lint',
  'check:breaking': 'proto compatibility',
};

mkdirSync(join(root, '.cache'), { recursive: true });
const run = spawnSync(
  join(root, 'node_modules/.bin/turbo'),
  [
    ...['run', ...Object.keys(checks), '--continue=always', '--output-logs=none', '--log-prefix=none', '--summarize'],
    ...['--concurrency=2', ...process.argv.slice(2)],
  ],
  // Without this variable turbo looks for a network at every run.
  { cwd: root, encoding: 'utf8', env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' } },
);
const results = readSummary(root, `${run.stdout}${run.stderr}`);

let failed = 0;
for (const [task, name] of Object.entries(checks)) {
  const result = results.get(task);
  if (result?.exitCode === 0) {
    console.log(`ok      ${name}${result.cached ? ' (unchanged)' : ` (${(result.ms / 1000).toFixed(1)} s)`}`);
  } else {
    failed++;
    console.log(`FAILED  ${name}\n${result?.output ?? ''}`);
  }
}
if (results.size === 0) console.error(`turbo did not run:\n${run.stdout ?? ''}${run.stderr ?? ''}${run.error ?? ''}`);
console.log(failed === 0 ? 'All checks passed.' : `${failed} of ${Object.keys(checks).length} checks failed.`);
process.exitCode = failed === 0 ? 0 : 1;
