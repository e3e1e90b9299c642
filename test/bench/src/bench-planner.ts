import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rounded } from './statistics.ts';

interface Measured {
  readonly rules: number;
  readonly standingMs: number;
  readonly changedMs: number;
  readonly madeMs: number;
  readonly writtenMs: number;
}

/** What planning costs, in a process of its own, by processor time. */
export async function planner(): Promise<void> {
  const script = join(import.meta.dirname, '../../../services/vyos-driver/test/planner-cost.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  const [small, large] = JSON.parse(stdout) as [Measured, Measured];
  for (const [name, what] of [
    ['standingMs', 'as they stand, one of a hundred VMs different'],
    ['changedMs', 'one leaf of each different'],
    ['madeMs', 'all of them new'],
    ['writtenMs', 'all of them new, and their operations written out in requests of 1,000 rules'],
  ] as const) {
    const ratio = large[name] / large.rules / (small[name] / small.rules);
    console.log(
      `planner: ${large.rules} rules, ${what}: ${rounded(large[name])} ms of processor time (aim ≤ 150), per rule × ${rounded(ratio, 2)} of ${small.rules} rules (aim ≤ 1.2)`,
    );
  }
}
