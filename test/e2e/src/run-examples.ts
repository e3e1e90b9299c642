import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** A block of shell commands in a document. */
export interface Example {
  readonly document: string;
  /** Of its first command. */
  readonly line: number;
  readonly script: string;
}

/** The blocks fenced as `sh` in a document, in their order. */
export function examplesIn(document: string): Example[] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n');
  const examples: Example[] = [];
  let begin = -1;
  for (const [index, line] of lines.entries()) {
    if (begin < 0 && line === '```sh') begin = index + 1;
    else if (begin >= 0 && line === '```') {
      examples.push({ document, line: begin + 1, script: lines.slice(begin, index).join('\n') });
      begin = -1;
    }
  }
  return examples;
}

/** What the shell wrote, and whether every command of it succeeded. */
export interface Ran {
  readonly ok: boolean;
  readonly output: string;
}

/**
 * Runs an example as a reader would, against the system at `api`: with bash, with `variables` set, in an empty folder. An HTTP error counts
 * as a failure, which curl alone does not do.
 */
export function runExample(
  { script }: Example,
  at: { api: string; folder: string; variables: Readonly<Record<string, string>> },
): Promise<Ran> {
  const prelude = `set -euo pipefail\ncurl() { command curl --silent --show-error --fail-with-body --max-time 60 "$@"; }\n`;
  const set = Object.entries(at.variables).map(([name, value]) => `${name}='${value}'\n`);
  const shell = spawn('bash', ['-c', prelude + set.join('') + script.replaceAll('http://127.0.0.1:8800', at.api)], {
    cwd: at.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    shell.once('error', reject);
    shell.once('close', (code) => resolve({ ok: code === 0, output }));
  });
}
