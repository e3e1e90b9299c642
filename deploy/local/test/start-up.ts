import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

/** What `up --json` printed. */
export interface Ready {
  readonly api: string;
  readonly admin_api_key: string;
  readonly grpc: string;
  readonly nats: { readonly server: string; readonly url_file: string; readonly subject_prefix: string };
  readonly services: readonly { readonly name: string; readonly pid: number; readonly url: string }[];
  readonly pid: number;
}

/** An `up` of tiny services, as a process of its own. */
export interface UpProcess {
  readonly child: ChildProcess;
  /** Fails with what was written when it ends before it is ready. */
  readonly ready: Promise<Ready>;
  /** The exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  /** All that was written, to standard output and standard error. */
  output(): string;
}

/** Runs `up --json` with this state; it is stopped after the test. Its own Postgres and NATS unless `env` gives URLs. */
export function startUp(
  t: TestContext,
  state: string,
  options: { readonly args?: readonly string[]; readonly env?: Record<string, string> } = {},
): UpProcess {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'tiny-up.ts'), '--json', '--state', state, ...(options.args ?? [])],
    { env: { ...process.env, PORT: '0', ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const firstLine = new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
  const ready = Promise.race([
    firstLine.then((line) => JSON.parse(line) as Ready),
    exited.then(() => Promise.reject(new Error(`up ended:\n${output}`))),
  ]);
  ready.catch(() => {}); // a test that expects the end does not look at it
  return { child, ready, exited, output: () => output };
}
