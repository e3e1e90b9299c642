// `npm test`: starts one Postgres and one NATS, runs every test file of the workspaces, ends with "N passed, N failed".
//   npm test -- libs/errors services/auth      only the files below these paths
//   npm test -- --test-name-pattern=lease      only tests whose name matches
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { startTestServers } from '@berth/testing';
import { readArguments } from './test-run/arguments.ts';
import { findTestFiles } from './test-run/find-test-files.ts';

/** Tests wait for processes much of the time, so one more file than there are cores keeps two cores busy. */
const filesAtOnce = 3;
/** For one test; the slowest end-to-end scenario takes a fraction of it. */
const testTimeoutMs = 240_000;
/** For the whole run; a process that hangs at its end has no test that could time out. */
const runTimeoutMs = 1_800_000;

const root = join(import.meta.dirname, '..');
const wanted = readArguments(process.argv.slice(2));
const files = findTestFiles(root, wanted.paths);
if (files.length === 0) {
  console.error(`No test files below ${wanted.paths.join(', ')}.`);
  process.exit(1);
}

const startedAt = performance.now();
const servers = await startTestServers();
console.log(`${files.length} test files, with ${servers.description}.`);
process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
process.env['BERTH_TEST_NATS_URL'] = servers.natsUrl;
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules/.cache/compile'); // processes start in half the time

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());
setTimeout(() => interruption.abort(), runTimeoutMs).unref();

const stream = run({
  cwd: root,
  files,
  concurrency: filesAtOnce,
  timeout: testTimeoutMs,
  signal: interruption.signal,
  ...(wanted.namePatterns.length === 0 ? {} : { testNamePatterns: wanted.namePatterns }),
});
const totals = { passed: 0, failed: 0 };
stream.on('test:summary', ({ file, counts }) => {
  if (file !== undefined) return; // of one file; the sum of all has none
  totals.passed = counts.passed;
  totals.failed = counts.tests - counts.passed - counts.skipped - counts.todo;
});
for await (const text of stream.compose(new spec())) process.stdout.write(String(text));

await servers.stop();
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(interruption.signal.aborted ? `Interrupted after ${seconds} s.` : `Took ${seconds} s.`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed > 0 || interruption.signal.aborted ? 1 : 0);
