import { readFileSync, rmSync } from 'node:fs';

export interface TaskResult {
  readonly passed: boolean;
  /** It passed before with the same inputs. */
  readonly cached: boolean;
  readonly ms: number;
}

interface Summary {
  readonly tasks: readonly {
    readonly task: string;
    readonly cache: { readonly status: 'HIT' | 'MISS' };
    readonly execution: { readonly startTime: number; readonly endTime: number; readonly exitCode: number | null };
  }[];
}

/**
 * What became of each task of a turbo run, by the task's name, from the summary whose path turbo prints at its end; the
 * file is removed. Empty when turbo did not get that far.
 */
export function readSummary(turboOutput: string): ReadonlyMap<string, TaskResult> {
  const file = /^Summary:\s+(\S.*)$/m.exec(turboOutput)?.[1]?.trim();
  if (file === undefined) return new Map();
  const summary = JSON.parse(readFileSync(file, 'utf8')) as Summary;
  rmSync(file);
  return new Map(
    summary.tasks.map(({ task, cache, execution }) => [
      task,
      {
        passed: execution.exitCode === 0,
        cached: cache.status === 'HIT',
        ms: execution.endTime - execution.startTime,
      },
    ]),
  );
}

/** What the failed tasks wrote: turbo shows only theirs, between its own first and last lines. */
export function failedOutput(turboOutput: string): string {
  const start = turboOutput.indexOf('\ncache ');
  const end = turboOutput.search(/\n\s+Tasks:/);
  return turboOutput.slice(start === -1 ? 0 : start, end === -1 ? undefined : end).trim();
}
