// `npm run check:generated`: the code in libs/contracts/src/gen is what `npm run generate` makes of proto/ now.
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const output = 'libs/contracts/src/gen';

/** Every file below `folder`, by its path from there. */
function filesIn(folder: string): Map<string, string> {
  const files = globSync('**/*.{js,ts}', { cwd: folder });
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

mkdirSync(join(root, '.cache'), { recursive: true });
const fresh = mkdtempSync(join(root, '.cache/generated-'));
try {
  // The output folder of buf.gen.yaml is taken relative to this one.
  execFileSync('buf', ['generate', '--output', fresh], { cwd: root, stdio: 'inherit' });
  const [wanted, found] = [filesIn(join(fresh, output)), filesIn(join(root, output))];
  const stale = [...new Set([...wanted.keys(), ...found.keys()])].filter(
    (file) => wanted.get(file) !== found.get(file),
  );
  for (const file of stale.sort()) console.error(`${output}/${file} is not what proto/ says: run "npm run generate".`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
