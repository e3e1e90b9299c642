// `npm run check`: every check, also when one fails; a line for each, then the output of those that failed.
//
// turbo runs the tasks of turbo.json side by side and leaves out those whose inputs have not changed since they passed.
//   npm run check -- --force     all of them again
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { failedOutput, readSummary } from './check-run/read-summary.ts';

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
const turbo = spawnSync(
  join(root, 'node_modules/.bin/turbo'),
  [
    ...['run', ...Object.keys(checks), '--continue=always', '--concurrency=2', '--summarize', '--no-color'],
    ...['--output-logs=errors-only', '--log-order=grouped', '--log-prefix=none', ...process.argv.slice(2)],
  ],
  // Without this variable turbo looks for a network at every run.
  { cwd: root, encoding: 'utf8', env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' }, maxBuffer: 64 << 20 },
);
const output = `${turbo.stdout ?? ''}${turbo.stderr ?? ''}${turbo.error ?? ''}`;
const results = readSummary(output);

let failed = 0;
for (const [task, name] of Object.entries(checks)) {
  const result = results.get(task);
  const took = result?.cached ? 'unchanged' : `${((result?.ms ?? 0) / 1000).toFixed(1)} s`;
  if (result?.passed !== true) failed++;
  console.log(`${result?.passed === true ? 'ok     ' : 'FAILED '} ${name} (${took})`);
}
if (failed > 0) console.error(`\n${failedOutput(output)}\n`);
console.log(failed === 0 ? 'All checks passed.' : `${failed} of ${Object.keys(checks).length} checks failed.`);
process.exitCode = failed === 0 ? 0 : 1;
