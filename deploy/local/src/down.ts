// `npm run down`: stops the system that runs with this state, or what a killed one left behind.
import { join } from 'node:path';
import { endProcess, isProcessAlive } from '@berth/local-servers';
import { readCommandLine, UsageError, usage } from './arguments.ts';
import { lockHolder } from './run-lock.ts';
import { endLeftovers } from './run-state.ts';
import { stateLayout } from './state-folder.ts';

/** Its own grace periods add up to less; what is left then is ended one by one. */
const stopWithinMs = 60_000;

async function down(): Promise<void> {
  const { stateFolder, help } = readCommandLine(process.argv.slice(2), join(import.meta.dirname, '../../../.berth'));
  if (help) return console.log(usage);
  const { path, lockFile } = stateLayout(stateFolder);
  const holder = lockHolder(lockFile);
  if (holder !== undefined) await endProcess(holder, 'SIGTERM', stopWithinMs);
  if (holder !== undefined && isProcessAlive(holder)) throw new Error(`Process ${holder.pid} does not end.`);
  const leftovers = await endLeftovers(path);
  if (leftovers.length > 0) console.log(`Ended what was left behind: ${leftovers.join(', ')}.`);
  if (holder !== undefined) console.log('Berth has stopped.');
  else if (leftovers.length === 0) console.log(`Berth is not running (state: ${path}).`);
}

try {
  await down();
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : String(error));
  process.exit(1);
}
