import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The allocator's test of its history, for a minute instead of some seconds. */
export async function history(env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, ['tools/test.ts', 'services/allocator/test/history/history.test.ts'], {
    cwd: new URL('../../..', import.meta.url),
    stdio: 'inherit',
    env: { ...env, BERTH_HISTORY_SECONDS: '60' },
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error('a value was held twice or lost, or the run failed');
}
